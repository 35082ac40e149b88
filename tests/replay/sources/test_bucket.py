"""Logs in S3: which are listed and downloaded, and what is said of those that cannot be."""

from __future__ import annotations

import gzip
import json
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from flask_errwatch._aws import PROVISIONING, Aws
from flask_errwatch.replay.sources import TimeRange, open_logs
from tests.replay.replay_lines import Run, access
from tests.replay.sources.test_key_times import at

pytestmark = pytest.mark.usefixtures("account")

#: From 01:00 to 02:00 of the day of `access`.
HOUR = TimeRange(start=at("2026-11-25T01:00"), end=at("2026-11-25T02:00"))


@pytest.fixture
def s3(aws: Aws) -> Any:
    """The client of S3, with a bucket `logs`."""
    client = aws.client("s3")
    client.create_bucket(
        Bucket="logs", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    return client


@pytest.fixture
def requested(s3: Any) -> list[str]:
    """The operations that S3 is asked for, with what they are about."""
    calls: list[str] = []

    def note(params: dict[str, Any], model: Any, **_: object) -> None:
        query = params["query_string"]
        calls.append(f"{model.name} {query.get('prefix') or params['url_path']}")

    s3.meta.events.register("before-call.s3", note)
    return calls


@pytest.fixture
def temp_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def put(s3: Any, *keys: str) -> None:
    """Puts an object with one line at each key."""
    for number, key in enumerate(keys):
        s3.put_object(Bucket="logs", Key=key, Body=gzip.compress(access(number).encode()))


def found(aws: Aws, name: str, within: TimeRange = HOUR) -> list[str]:
    """The keys of the objects that are read."""
    with open_logs([name], within=within, aws=aws) as logs:
        return [log.name.removeprefix("s3://logs/") for log in logs]


def balancer_key(day: str, end: str) -> str:
    """The key of a load balancer's file."""
    return (
        f"AWSLogs/123456789012/elasticloadbalancing/eu-central-1/{day}/123456789012_"
        f"elasticloadbalancing_eu-central-1_app.shop.12345_{end}Z_192.0.2.9_20sg8h.log.gz"
    )


def test_the_date_folders_of_a_load_balancer(aws: Aws, s3: Any, requested: list[str]) -> None:
    """Days that are out of the range are not even listed, and names leave out most of a day."""
    days = [
        (f"2026/{month:02}/{day:02}", f"2026{month:02}{day:02}T1200")
        for month in (1, 6, 11)
        for day in range(1, 29)
    ]
    wanted = [balancer_key("2026/11/25", f"20261125T0{hour}") for hour in ("105", "155", "200")]
    put(s3, *(balancer_key(*day) for day in days), *wanted)
    requested.clear()
    assert found(aws, "s3://logs/") == wanted
    listed = [call.rpartition("eu-central-1/")[2] for call in requested]
    assert "2026/11/25/" in listed
    assert not {"2026/01/", "2026/06/", "2026/11/20/"} & {*listed}


def test_names_of_cloudfront_are_jumped_over(aws: Aws, s3: Any, requested: list[str]) -> None:
    """Of ten pages of one folder, those before and behind the range are not listed."""

    def shorten(params: dict[str, object], **_: object) -> dict[str, object]:
        return {**params, "MaxKeys": 10}

    s3.meta.events.register("provide-client-params.s3.ListObjectsV2", shorten)
    hours = [
        f"cdn/E2EXAMPLE1.{year}-{month:02}-05-05.ab.gz"
        for year in range(2021, 2029)
        for month in range(1, 13)
    ]
    wanted = ["cdn/E2EXAMPLE1.2026-11-25-01.cd.gz", "cdn/E2EXAMPLE2.2026-11-25-01.cd.gz"]
    put(s3, *hours, *wanted)
    requested.clear()
    assert found(aws, "s3://logs/cdn/") == wanted
    assert len(requested) <= 4


def test_what_has_no_line(aws: Aws, s3: Any) -> None:
    """Markers of folders, empty objects and the test file of a load balancer are no logs."""
    put(s3, "a/1.gz", "a/AWSLogs/1/ELBAccessLogTestFile")
    s3.put_object(Bucket="logs", Key="a/", Body=b"")
    s3.put_object(Bucket="logs", Key="a/_SUCCESS", Body=b"")
    assert found(aws, "s3://logs/a", TimeRange()) == ["a/1.gz"]


def test_objects_that_were_written_before(aws: Aws, s3: Any) -> None:
    """An object has no line that is newer than itself."""
    put(s3, "a/1.gz")
    written = s3.head_object(Bucket="logs", Key="a/1.gz")["LastModified"].timestamp()
    assert found(aws, "s3://logs/a", TimeRange(start=written)) == ["a/1.gz"]
    with pytest.raises(
        Exception, match=r"Nothing in it is of this time: 1 object or folder is not"
    ):
        found(aws, "s3://logs/a", TimeRange(start=written + 3600))


@pytest.mark.stress
def test_2000_objects_with_some_that_fail(s3: Any, run: Run, temp_folder: Path) -> None:
    """Those that fail are named with the reason, the others are judged, and nothing is left."""
    put(s3, *(f"web/{number:04}.log.gz" for number in range(2000)))
    s3.put_object(Bucket="logs", Key="web/0100.log.gz", Body=b"x" * 99, StorageClass="GLACIER")
    broken = gzip.compress(access(0).encode() * 500)
    s3.put_object(Bucket="logs", Key="web/0200.log.gz", Body=broken[: len(broken) // 2])
    result = run("s3://logs/web/", "--json")
    assert (result.exit_code, json.loads(result.stdout)["lines"] >= 1998) == (0, True)
    assert (
        "0100.log.gz: it cannot be downloaded: s3:GetObject failed with InvalidObjectState"
        in result.stderr
    )
    assert "0200.log.gz: it is truncated. What comes before that is judged.\n" in result.stderr
    assert [*temp_folder.iterdir()] == []


def test_an_object_is_downloaded_once(
    aws: Aws, s3: Any, requested: list[str], temp_folder: Path
) -> None:
    """However often the logs are read, and although they overlap."""
    put(s3, *(f"a/{number:02}.gz" for number in range(40)))
    requested.clear()
    with open_logs(["s3://logs/a/", "s3://logs/a/0"], aws=aws) as logs:
        for _ in range(3):
            assert [len(b"".join(log.blocks())) for log in logs] == [81] * 40
        assert logs.size == sum(path.stat().st_size for path in temp_folder.glob("*/*"))
    assert sorted(call for call in requested if call.startswith("GetObject")) == [
        f"GetObject /a/{number:02}.gz" for number in range(40)
    ]
    assert [*temp_folder.iterdir()] == []


def test_an_object_that_is_gone(aws: Aws, s3: Any) -> None:
    """It was listed, and deleted before it was its turn."""
    put(s3, "a/1.gz", "a/2.gz")
    with open_logs(["s3://logs/a/"], aws=aws) as logs:
        s3.delete_object(Bucket="logs", Key="a/1.gz")
        read = [(len([*log.blocks()]), log.defect) for log in logs]
    assert read[1] == (1, None)
    assert "NoSuchKey" in (read[0][1] or "")
    assert "The object was deleted after it was listed." in (read[0][1] or "")


def test_an_object_that_is_found_twice_is_read_once(aws: Aws, s3: Any) -> None:
    """By its bucket and its key. A note names it."""
    put(s3, "a/1.gz", "a/2.gz")
    with open_logs(["s3://logs/a/", "s3://logs/a/2.gz"], aws=aws) as logs:
        assert [log.name for log in logs] == ["s3://logs/a/1.gz", "s3://logs/a/2.gz"]
        assert logs.notes == ("Named or found more than once, and read once: s3://logs/a/2.gz.",)


@pytest.mark.parametrize(
    ("name", "code", "sentence"),
    [
        ("s3://no-such-bucket/a/", 2, "failed with NoSuchBucket"),
        ("s3://logs/none/", 1, "The bucket has no object whose key begins so."),
        ("s3://logs/a/*.gz", 1, "Wildcards are not read in it."),
        ("s3://x", 2, "Use s3://BUCKET/PREFIX"),
        ("s3:/logs/a/", 2, "Use s3://BUCKET/PREFIX"),
        ("S3://logs/a/", 2, "Use s3://BUCKET/PREFIX"),
        ("s3://logs", 1, "The bucket is empty."),
        ("s3://arn:aws:s3:eu-central-1:1:accesspoint/a", 2, "Use s3://BUCKET/PREFIX"),
    ],
)
@pytest.mark.usefixtures("s3")
def test_what_cannot_be_listed(run: Run, name: str, code: int, sentence: str) -> None:
    """A wrong bucket, an empty prefix and a wrong name have one sentence each."""
    result = run(name)
    assert (result.exit_code, result.stdout) == (code, "")
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_user_who_may_not(
    aws: Aws,
    s3: Any,
    run: Run,
    moto_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The sentence names the action that IAM has to allow: of the list, and of the object."""
    put(s3, "a/1.gz")
    iam = aws.client("iam")
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    policy = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [policy]})
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])

    def enforce(calls: bytes) -> None:
        reset = urllib.request.Request(
            f"{moto_url}/moto-api/reset-auth", calls, {"Content-Type": "text/plain"}
        )
        urllib.request.urlopen(reset, timeout=60).close()

    enforce(b"0")
    try:
        denied = run("s3://logs/a/")
        enforce(b"inf")
        iam.put_user_policy(UserName="ann", PolicyName="list", PolicyDocument=document)
        enforce(b"0")
        listed = run("s3://logs/a/")
    finally:
        enforce(b"inf")
    assert (denied.exit_code, denied.stderr.count("\n")) == (2, 1)
    assert "Allow s3:ListBucket in the IAM policy" in denied.stderr
    assert listed.exit_code == 1
    assert "Allow s3:GetObject in the IAM policy" in listed.stderr
    assert "Give another file" not in listed.stderr


def test_there_is_no_room(
    aws: Aws, s3: Any, monkeypatch: pytest.MonkeyPatch, temp_folder: Path
) -> None:
    """It is refused before anything is downloaded."""
    put(s3, "a/1.gz")
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 5}))
    with pytest.raises(Exception, match=r"There is no room for it in .*with --since and --until"):
        open_logs(["s3://logs/a/"], aws=aws)
    assert [*temp_folder.iterdir()] == []


def test_a_profile_that_does_not_exist(run: Run) -> None:
    """`--profile` is the one of the AWS CLI."""
    result = run("s3://logs/a/", "--profile", "ann")
    assert result.exit_code == 2
    assert "The AWS profile 'ann' does not exist" in result.stderr


def test_the_account_of_the_environment(s3: Any) -> None:
    """Without an `Aws`, boto3's usual credentials are used."""
    put(s3, "a/1.gz")
    with open_logs(["s3://logs/a/1.gz"]) as logs:
        assert [(log.name, log.is_named) for log in logs] == [("s3://logs/a/1.gz", True)]
        assert PROVISIONING.attempts > 1
