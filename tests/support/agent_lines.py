"""Lines of the agent's log, in its own forms, made of the strings of its source. None is copied from a host."""

from pathlib import Path

PLUGIN = "InstanceAgent::Plugins::CodeDeployPlugin::"
ARN = "arn:aws:iam::111122223333:user/web-01"
ARCHIVE = "/opt/codedeploy-agent/deployment-root/5f1e/d-ABC/deployment-archive"
_AT = "/opt/codedeploy-agent/lib/instance_agent/plugins/codedeploy/command_poller.rb:1:in `x'"


def first(level: str, text: str, at: str = "2026-11-26T08:42:04") -> str:
    """An entry of agent 1.x."""
    return f"{at} {level:<5} [codedeploy-agent(1412)]: {text}"


def second(level: str, text: str, at: str = "2026-11-26 08:42:04") -> str:
    """An entry of agent 2.x."""
    return f"{at} {level:>5} {text}"


def performed(error: str, where: str = _AT) -> str:
    return first("ERROR", f"{PLUGIN}CommandPoller: Error during perform: {error} - {where}")


def boot(error: str, where: str = _AT) -> str:
    return first("ERROR", f"booting child: error during start or run: {error} - {where}")


def refused(error: str) -> str:
    return first(
        "ERROR",
        f"{PLUGIN}CommandPoller: Cannot reach InstanceService: Aws::CodeDeployCommand::Errors::{error}",
    )


def completed(status: str, code: object, message: str) -> str:
    """The report of an event's end, as the SDK logs it: JSON in a quoted string."""
    code = code if isinstance(code, int) else f'\\"{code}\\"'
    payload = (
        f'{{\\"error_code\\":{code},\\"script_name\\":\\"\\",\\"message\\":\\"{message}\\",\\"log\\":\\"\\"}}'
    )
    call = f'put_host_command_complete(command_status:"{status}",diagnostics:{{format:"JSON",payload:"{payload}"}}'
    head = "[Aws::CodeDeployCommand::Client 200 0.053927 0 retries]"
    return first("INFO", f'{head} {call},host_command_identifier:"eyJiYXRjaElkIjoi")  ')


def polling(arn: str = ARN, at: str = "2026-11-26T08:42:04") -> str:
    """A poll that CodeDeploy answered."""
    call = f'poll_host_command(host_identifier:"{arn}")'
    return first("INFO", f"[Aws::CodeDeployCommand::Client 200 45.434682 0 retries] {call}  ", at)


def event(error: str, name: str = "Install") -> str:
    """A failed event of agent 2.x."""
    span = f"deployment{{deployment_id=d-ABC command={name} app=shop}}"
    return second("ERROR", f"{span}: Command failed elapsed_ms=4 error={error}")


def _framed(frame: str, text: str) -> str:
    """The text of a row of agent_lines.tsv in the form that its frame names."""
    kind, _, detail = frame.partition(" ")
    library = "/opt/codedeploy-agent/lib/instance_agent"
    return {
        "1": lambda: first(detail, text),
        "2": lambda: second(detail, text),
        "failed": lambda: completed("Failed", int(detail), text),
        "event": lambda: event(text),
        "performed": lambda: performed(text),
        "applied": lambda: performed(
            text, f"{library}/plugins/codedeploy/application_specification/script_info.rb:9"
        ),
        "instructed": lambda: performed(text, f"{library}/plugins/codedeploy/install_instruction.rb:9"),
        "boot": lambda: boot(text),
        "met": lambda: boot(text, "/opt/codedeploy-agent/lib/instance_metadata.rb:9"),
        "polled": lambda: first(
            "ERROR", f"{PLUGIN}CommandPoller: Error polling for host commands: {text} - {_AT}"
        ),
        "journal": lambda: f"Nov 26 09:42:07 web-01 bash[3211]: {text}",
        "systemd": lambda: f"Nov 26 09:42:07 web-01 systemd[1]: {text}",
        "ruby": lambda: f"E, [2026-11-26T08:42:04.000000 #3211] ERROR -- : {text}",
        "terminal": lambda: text,
    }[kind]()


_ROWS = Path(__file__).with_name("agent_lines.tsv").read_text(encoding="utf-8").splitlines()
_SCRIPT = "Script at specified location: scripts/start.sh"
_APPSPEC = "The deployment failed because "

# Forms that the samples of the dictionary do not have: other codes, other classes, other lines of the agent.
LINES: list[tuple[str, str]] = [
    ("hook-script-failed", performed(f"{PLUGIN}ScriptError - {_SCRIPT} run as user web failed with exit code 127")),
    ("hook-script-failed", completed("Failed", 4, f"{_SCRIPT} failed with exit code 1")),
    ("hook-script-failed", event(f"scripts/start.sh: {_SCRIPT} run as user root failed with exit code 255")),
    ("hook-interpreter-missing", performed(f"{PLUGIN}ScriptError - {_SCRIPT} failed with error Errno::ENOENT with message No such file or directory - su")),
    ("hook-not-startable", performed(f"{PLUGIN}ScriptError - {_SCRIPT} failed with error Errno::EACCES with message Permission denied - {ARCHIVE}/scripts/start.sh")),
    ("hook-output-left-open", first("ERROR", f"{PLUGIN}HookExecutor: {_SCRIPT} failed to close STDERR")),
    ("hook-script-missing", event(f"scripts/x.sh: Script does not exist at specified location: {ARCHIVE}/scripts/x.sh")),
    ("appspec-invalid", performed(f"{PLUGIN}ApplicationSpecification::AppSpecValidationException - {_APPSPEC}an invalid version value (1) was entered in the application specification file.")),
    ("appspec-invalid", performed("Psych::SyntaxError - (<unknown>): did not find expected key while parsing a block mapping at line 2 column 1")),
    ("appspec-invalid", completed("Failed", 5, "undefined method 'each' for an instance of String")),
    ("appspec-invalid", completed("Failed", 5, f"{_APPSPEC}because the length of a permissions mode (00755) in the application specification file is invalid.")),
    ("appspec-invalid", performed("ArgumentError - appspec.yml file contains unknown lifecycle events: [:BeforeInstal]")),
    ("appspec-invalid", event(f"{_APPSPEC}a YAML parsing error: mapping values are not allowed in this context", "BeforeInstall")),
    ("appspec-invalid", completed("Failed", 5, f"{_APPSPEC}of a problem with the acls permission settings in the application specification file. Invalid acl entry (x).")),
    ("appspec-permissions-invalid", completed("Failed", 5, f"{_APPSPEC}the except parameter for a pattern in the permissions section ([x]) for the object named /srv contains an invalid format.")),
    ("appspec-missing", event(f"{_APPSPEC}the specified file does not exist at the expected location: {ARCHIVE}/appspec.yml.", "DownloadBundle")),
    ("file-exists", completed("Failed", 5, f"{_APPSPEC}a specified file already exists at this location: /srv/app/x")),
    ("appspec-files-clash", performed(f"RuntimeError - {_APPSPEC}the application specification file calls for installing the file /a, but a file with that name already exists at the location (/b).")),
    ("selinux-failed", performed(f"RuntimeError - {_APPSPEC}the application specification file contains an error in the settings for the context parameter. Failed command: restorecon -v /srv. Exit code: pid 1 exit 255")),
    ("permission-denied", performed("Errno::EPERM - Operation not permitted @ apply2files - /srv/app/x")),
    ("permission-denied", first("WARN", "Received Errno::EACCESS when creating deployment tracking file, retrying creation")),
    ("permission-denied", second("ERROR", "Command processing failed: Failed to start deployment tracking: Permission denied (os error 13)")),
    ("disk-full", completed("Failed", 5, "No space left on device @ fptr_finalize_flush - /opt/x")),
    ("disk-full", performed("Errno::EDQUOT - Disk quota exceeded @ rb_sysopen - /srv/x")),
    ("source-missing", completed("Failed", 5, f"No such file or directory @ rb_sysopen - {ARCHIVE}/target/app.jar")),
    ("file-exists", performed("Errno::EEXIST - File exists @ rb_file_s_symlink - (a, /srv/app/current)")),
    ("s3-access-denied", performed("Aws::S3::Errors::Forbidden - Aws::S3::Errors::Forbidden")),
    ("s3-missing", performed("Aws::S3::Errors::NoSuchBucket - The specified bucket does not exist")),
    ("s3-missing", performed("Aws::S3::Errors::NoSuchVersion - The specified version does not exist.")),
    ("s3-other-region", performed("Aws::S3::Errors::AuthorizationHeaderMalformed - The authorization header is malformed; the region 'eu-west-1' is wrong")),
    ("s3-other-region", completed("Failed", 5, "The bucket you are attempting to access must be addressed using the specified endpoint.")),
    ("s3-unreachable", completed("Failed", 5, "unable to connect to `b.s3.eu-west-1.amazonaws.com`; SocketError: Failed to open TCP connection")),
    ("s3-unreachable", performed("Seahorse::Client::NetworkingError - http response body truncated, expected 10 bytes, received 5 bytes")),
    ("s3-failed", performed("Aws::S3::Errors::NewError - what")),
    ("throttled", performed("Aws::S3::Errors::SlowDown - Please reduce your request rate.")),
    ("service-fault", performed("Aws::S3::Errors::InternalError - We encountered an internal error.")),
    ("tls-intercepted", performed("Seahorse::Client::NetworkingError - SSL_connect returned=1 errno=0 state=error: certificate verify failed (unable to get local issuer certificate)")),
    ("github-failed", performed("RuntimeError - Could not download bundle at 'https://api.github.com/repos/a/b/tarball/c' after 3 retries. Server returned codes: 404 'Not Found'.")),
    ("bundle-broken", first("WARN", f"{PLUGIN}CommandExecutor: Error extracting zip archive: 9, with default system unzip util. Hence falling back to ruby unzip to mitigate any partially unzipped or skipped zip files.")),
    ("spec-unreadable", completed("Failed", 5, "Deployment Spec has no DeploymentId")),
    ("restarted-in-deployment", first("WARN", "Master process (23) going down before terminating child")),
    ("restarted-in-deployment", second("WARN", "Shutdown timeout reached, 2 commands still in flight remaining=2")),
    ("crash-loop", first("INFO", "master 23: Received CHLD - cleaning dead child process")),
    ("no-identity", boot("Errno::EHOSTUNREACH - Failed to open TCP connection to 169.254.169.254:80 (No route to host - connect(2) for 169.254.169.254:80)")),
    ("no-identity", boot("RuntimeError - HTTP error from metadata service to get imdsv2 token.")),
    ("no-identity", first("ERROR", "CodeDeploy Instance Agent Service: CodeDeploy Instance Agent Service: error during start or run: Net::OpenTimeout - execution expired - C:/x/net/http.rb:880:in `initialize'")),
    ("ruby-mismatch", boot("LoadError - cannot load such file -- webrick/httputils")),
    ("ruby-mismatch", performed("NoMethodError - undefined method `exists?' for File:Class")),
    ("access-denied", refused("AccessDeniedException - ")),
    ("access-denied", first("ERROR", f"{PLUGIN}CommandPoller: Error polling for host commands: Aws::CodeDeployCommand::Errors::AccessDeniedException - Aws::CodeDeployCommand::Errors::AccessDeniedException - /x")),
    ("secret-wrong", refused("InvalidSignatureException - The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")),
    ("clock-wrong", refused("InvalidSignatureException - Signature not yet current: 20261126T090000Z is still later than 20261126T083500Z")),
    ("missing-credentials", first("ERROR", f"{PLUGIN}CommandPoller: Error polling for host commands: Aws::Errors::MissingCredentialsError - unable to sign request without credentials set - /x")),
    ("proxy-refuses", refused("Http407Error - Aws::CodeDeployCommand::Errors::Http407Error")),
    ("proxy-refuses", first("ERROR", f'{PLUGIN}CommandPoller: Network error: #<Seahorse::Client::NetworkingError: 403 "Forbidden">')),
    ("service-fault", refused("Http503Error - Aws::CodeDeployCommand::Errors::Http503Error")),
    ("network-fault", first("ERROR", f"{PLUGIN}CommandPoller: Network error: #<Seahorse::Client::NetworkingError: Net::ReadTimeout with #<TCPSocket:(closed)>>")),
    ("network-fault", first("INFO", "booting child: failed to run as the connection failed! SocketError - getaddrinfo: Name or service not known - /x")),
    ("proxy-setting-invalid", second("ERROR", "SSL validation failed for endpoint https://x: invalid proxy URI: builder error: unknown proxy scheme")),
    ("no-identity", second("ERROR", "Worker failed to resolve credentials: IO error: Permission denied (os error 13)")),
    ("yml-invalid", second("ERROR", "Worker failed to resolve credentials: IO error: Is a directory (os error 21)")),
    ("agent-config", "Nov 26 09:42:07 web-01 bash[3211]: children can only be set to 1"),
    ("event-error", performed("SomethingNewError - words that no one knows")),
    ("event-succeeded", completed("Succeeded", 0, "Succeeded: ")),
    ("polled", polling()),
    ("info", first("INFO", f"{PLUGIN}CommandExecutor: Downloading artifact bundle from bucket 'b' and key 'k', version '', etag ''")),
    ("info", first("DEBUG", f"{PLUGIN}CommandPoller: Sleeping 33 seconds.")),
    ("out-of-memory", "Nov 26 09:42:07 web-01 kernel: Out of memory: Killed process 1412 (ruby) total-vm:1kB"),
]  # fmt: skip
LINES += [(name, _framed(frame, text)) for name, frame, text in (row.split("\t") for row in _ROWS)]
