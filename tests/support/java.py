"""The classes of AWS's SDKs for Java as far as the examples use them: made of botocore's model by the SDKs' naming rules.

So javac finds a wrong class, method, argument or type in an example. That the SDK has these names is a rule, not a run:
their jars are in no registry that the tests may ask.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

needs_javac = pytest.mark.skipif(not shutil.which("javac"), reason="no javac on this machine")
IMPORTS = "import java.util.*; import java.util.function.*; import java.time.Instant;\n"
PLAIN = {
    "string": "String",
    "integer": "Integer",
    "long": "Long",
    "double": "Double",
    "boolean": "Boolean",
    "timestamp": "Instant",
    "blob": "byte[]",
}


def capital(name: str) -> str:
    return name[:1].upper() + name[1:]


class Version2:
    """software.amazon.awssdk: builders, and a method of the member's own name that reads it."""

    package = "software.amazon.awssdk.services.codedeploy"
    client = "CodeDeployClient"
    request_id = "requestId"

    @staticmethod
    def members(name: str, kind: str, enum: bool) -> str:
        if not enum:
            return f"public {kind} {name}() {{ return null; }}\n"
        return (
            f"public Enum<?> {name}() {{ return null; }} public String {name}AsString() {{ return null; }}\n"
        )

    @classmethod
    def body(cls, own: str, members: dict[str, tuple[str, bool]]) -> str:
        read = "".join(cls.members(name, kind, enum) for name, (kind, enum) in members.items())
        setters = ""
        for name, (kind, _) in members.items():
            setters += f"public Builder {name}({kind} it) {{ return this; }}\n"
            if kind.startswith("List<"):
                setters += f"public Builder {name}({kind[5:-1]}... it) {{ return this; }}\n"
            if kind.startswith("Map<"):
                setters += f"public Builder {name}WithStrings({kind} it) {{ return this; }}\n"
        return (
            f"{read} public static Builder builder() {{ return null; }}\n"
            f"public static class Builder {{ {setters} public {own} build() {{ return null; }} }}\n"
        )

    @staticmethod
    def operation(name: str, given: str, result: str) -> str:
        method = name[0].lower() + name[1:]
        return f"{result} {method}({given} it);\n{result} {method}(Consumer<{given}.Builder> it);\n"

    names = ("Request", "Response")


class Version1:
    """com.amazonaws: get, set, and with, which gives the object back."""

    package = "com.amazonaws.services.codedeploy"
    client = "AmazonCodeDeploy"
    request_id = "getRequestId"

    @classmethod
    def body(cls, own: str, members: dict[str, tuple[str, bool]]) -> str:
        text = ""
        for name, (kind, _) in members.items():
            text += f"public {kind} get{capital(name)}() {{ return null; }}\n"
            text += f"public void set{capital(name)}({kind} it) {{ }}\n"
            text += f"public {own} with{capital(name)}({kind} it) {{ return this; }}\n"
        return text

    @staticmethod
    def operation(name: str, given: str, result: str) -> str:
        return f"{result} {name[0].lower() + name[1:]}({given} it);\n"

    names = ("Request", "Result")


def classes(version: Any) -> dict[str, str]:
    """The source of each file, by its path below the root of the packages."""
    model: ServiceModel = botocore.session.get_session().get_service_model("codedeploy")
    package, made = f"{version.package}.model", dict[str, str]()

    def kind(shape: Shape) -> str:
        if isinstance(shape, ListShape):
            return f"List<{kind(shape.member)}>"
        if isinstance(shape, MapShape):
            return f"Map<{kind(shape.key)}, {kind(shape.value)}>"
        if isinstance(shape, StructureShape):
            structure(shape.name, shape)
            return shape.name
        return PLAIN[shape.type_name]

    def put(name: str, text: str) -> None:
        made[f"{package.replace('.', '/')}/{name}.java"] = f"package {package};\n{IMPORTS}{text}"

    def structure(name: str, shape: StructureShape | None) -> None:
        if f"{package.replace('.', '/')}/{name}.java" in made:
            return
        put(name, "")  # a shape may hold itself
        members = {
            member: (kind(one), bool(getattr(one, "enum", [])))
            for member, one in (shape.members if shape else {}).items()
        }
        put(name, f"public class {name} {{ {version.body(name, members)} }}")

    operations = ""
    for name in model.operation_names:
        operation = model.operation_model(name)
        given, result = (f"{name}{word}" for word in version.names)
        structure(given, operation.input_shape)
        structure(result, operation.output_shape)
        operations += version.operation(name, given, result)
        for error in operation.error_shapes:
            put(error.name, f"public class {error.name} extends CodeDeployException {{ }}")
    put(
        "CodeDeployException",
        f"public class CodeDeployException extends RuntimeException {{ "
        f"public String {version.request_id}() {{ return null; }} }}",
    )
    made[f"{version.package.replace('.', '/')}/{version.client}.java"] = (
        f"package {version.package};\n{IMPORTS}import {package}.*;\npublic interface {version.client} {{ {operations} }}"
    )
    return made


def write(version: Any, root: Path) -> Path:
    """Write the classes below a folder, and compile them."""
    for name, text in classes(version).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    done = javac(*root.rglob("*.java"), "-nowarn", "-d", root / "out")
    assert done.returncode == 0, done.stderr
    return root


def javac(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    quick = ("-J-XX:+UseSerialGC", "-J-XX:TieredStopAtLevel=1")  # for a process that lives a second
    command = ["javac", *quick, "-proc:none", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)


def compiled(root: Path, name: str, source: str) -> str:
    """What javac says of a file: nothing if it takes it."""
    file = root / f"{name}.java"
    file.write_text(source, encoding="utf-8")
    return javac(file, "-classpath", root / "out", "-d", root / "made", "-Xlint:all").stderr
