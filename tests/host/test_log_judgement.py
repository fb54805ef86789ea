"""What a whole log shows: which faults stand, which a poll took back, and what no one can say."""

from runbooks.host import gist, judge_log, symptom_of, symptoms
from tests.support.agent_lines import boot, completed, first, performed, polling, refused, second

SAMPLES = {symptom.id: next(iter(symptom.samples.values()))[0] for symptom in symptoms()}
HOOK = completed("Failed", 4, "Script at specified location: scripts/start.sh failed with exit code 1")
SUCCEEDED = completed("Succeeded", 0, "Succeeded: ")
DENIED = refused("AccessDeniedException - ")
NETWORK = first("ERROR", "Network error: #<Seahorse::Client::NetworkingError: Net::OpenTimeout>")


def standing(*lines: str) -> list[str]:
    return [one.symptom.id for one in judge_log(lines).standing]


def test_a_fault_stands_while_nothing_healthy_follows() -> None:
    assert standing(DENIED) == ["access-denied"]
    assert standing(polling(), DENIED) == ["access-denied"]
    assert standing(SAMPLES["yml-not-read"], SAMPLES["missing-credentials"]) == [
        "missing-credentials",
        "yml-not-read",
    ]


def test_a_healthy_line_takes_back_what_was_before_it() -> None:
    for healthy in ("polled", "poll-answered", "poll-loop-starts", "event-succeeded"):
        assert standing(DENIED, NETWORK, SAMPLES[healthy]) == []
        assert standing(DENIED, SAMPLES[healthy], NETWORK) == ["network-fault"]


def test_a_poll_does_not_take_back_a_failed_deployment() -> None:
    assert standing(HOOK, polling(), polling()) == ["hook-script-failed"]
    assert standing(HOOK, DENIED, polling()) == ["hook-script-failed"]
    assert standing(SAMPLES["identifier-mismatch"], polling()) == ["identifier-mismatch"]


def test_the_report_of_a_failed_event_takes_nothing_back() -> None:
    """It is answered with 200 like a poll."""
    assert standing(DENIED, HOOK) == ["hook-script-failed", "access-denied"]


def test_a_later_success_is_shown_beside_a_failed_deployment() -> None:
    (one,) = judge_log([HOOK, polling()]).standing
    assert not one.since
    (one,) = judge_log([HOOK, polling(), SUCCEEDED]).standing
    assert one.since
    (one,) = judge_log([HOOK, SUCCEEDED, HOOK]).standing
    assert not one.since


def test_each_symptom_is_shown_once_with_its_newest_line_newest_first() -> None:
    again = NETWORK.replace("08:42:04", "08:43:34")
    judged = judge_log(
        [NETWORK, first("ERROR", "booting child: ran into throttling - waiting for 60s"), again]
    )
    assert [(one.symptom.id, one.line) for one in judged.standing] == [
        ("network-fault", again),
        ("throttled", first("ERROR", "booting child: ran into throttling - waiting for 60s")),
    ]


def test_the_end_of_a_worker_is_shown_only_where_its_cause_is_not() -> None:
    ends = (boot("SystemExit - exit"), first("INFO", "master 1412: been told to replace child 26"))
    assert standing(*ends) == ["crash-loop"]
    assert standing(boot("LoadError - cannot load such file -- webrick"), *ends) == ["ruby-mismatch"]
    assert standing(HOOK, polling(), *ends) == ["crash-loop", "hook-script-failed"], (
        "an old failure is no cause"
    )


def test_an_error_that_is_not_known_is_quoted_even_after_polls() -> None:
    odd = first("ERROR", "CommandPoller: the moon is in the way")
    fatal = second("FATAL", "the sun too")
    judged = judge_log([odd, fatal, first("WARN", "a warning of a new kind"), polling()])
    assert judged.unknown == (fatal, odd)
    assert judged.standing == ()
    assert judged.understood == 1


def test_a_log_of_which_nothing_is_understood_says_so() -> None:
    judged = judge_log(["2026-11-26T08:42:04 INFO  words", "2026-11-26T08:42:05 WARN  more words"])
    assert (judged.standing, judged.unknown, judged.understood) == ((), (), 0)


def test_ordinary_lines_are_understood_and_say_nothing() -> None:
    judged = judge_log([SAMPLES["info"], SAMPLES["info-endpoint"]])
    assert (judged.standing, judged.understood) == ((), 2)


def test_an_error_of_a_poll_and_of_an_event_are_kept_apart() -> None:
    """A failed event that no words know keeps its own place."""
    assert standing(performed("SomethingNew - x"), DENIED, polling()) == ["event-error"]


def test_of_the_report_of_an_event_the_time_the_message_and_the_end_of_its_log_are_shown() -> None:
    log = r"LifecycleEvent - ApplicationStart\\nScript - scripts/start.sh\\n[stderr]sh: 2: \\\"gunicorn\\\": not found\\n"
    line = HOOK.replace(r"\"log\":\"\"", rf"\"log\":\"{log}\"")
    said = "2026-11-26T08:42:04 INFO Script at specified location: scripts/start.sh failed with exit code 1"
    assert gist(HOOK) == said
    assert gist(line) == f'{said} | [stderr]sh: 2: "gunicorn": not found'


def test_a_report_that_was_cut_is_shown_as_far_as_it_came() -> None:
    message = r"did not find \\\"appspec.yml\\\" " + "x" * 300
    shown = gist(completed("Failed", 5, message)[:420])
    assert shown.startswith('2026-11-26T08:42:04 INFO did not find "appspec.yml" xxx')
    assert '\\"' not in shown


def test_of_another_long_line_what_it_was_known_by_is_shown() -> None:
    line = first(
        "ERROR",
        "a " * 200
        + "Missing credentials - please check if this instance was started with an IAM instance profile"
        + " b" * 200,
    )
    symptom = symptom_of(line)
    assert symptom
    shown = gist(line, symptom)
    assert shown.startswith("2026-11-26T08:42:04 ERROR …")
    assert "Missing credentials - please check" in shown
    assert (shown[-1], len(shown) < 300) == ("…", True)
    assert len(gist(line)) < 300


def test_a_short_line_is_shown_whole_and_a_secret_is_masked_before_it_is_cut() -> None:
    assert gist(DENIED + "\n") == DENIED.strip()
    line = first("ERROR", f"{'a ' * 103}aws_secret_access_key = {'Ab1+' * 10} {'b ' * 100}")
    assert "Ab1+" not in gist(line)
