r"""The durable queue between a request and CloudWatch Logs.

Request threads append rendered lines. The shipper reads them, sends them and acknowledges them.
The queue is on disk, so that a line survives its process. Where no folder can be used, it is in
memory (`memory`), and the rest of this text does not apply.

Files
    Each destination (app, log group, and the configured endpoint, region and profile) has a folder,
    `<app>.<region or endpoint>.<hash>.v2`, in ERRWATCH_JOURNAL_DIR or the first folder that can be
    used (`chosen_folder`). It is created with mode 0700 and belongs to the user. No mode of a
    folder that exists is changed. In version 0.1 its name was `<app>-<hash>.v2`, of app and log
    group. In it, each process has its own journal, named `<pid>-<12 hexadecimal digits>`, of these
    files:

    - `<journal>.00000001.log`, `….00000002.log`, …: segments. A record is
      `\n<Adler-32 of the line, decimal> <line>\n`. The writer begins the next segment after 1/32
      of the bound, but at least 64 KiB, or when the disk is full.
    - `<journal>.state`: the checkpoint, JSON. `position` is the committed position (segment and
      offset), `losses` are the lost lines that are not reported yet (count, first and last time by
      reason). Without one, nothing is committed.
    - `<journal>.lock`: a file with a POSIX record lock, which ends with its process and is not
      inherited by a fork. It contains marks, one JSON object on each line: `running`, with the time
      and the host; `ended`, the end mark; and `reported`. The last one counts. One without a mark
      has no mark of its process: it is of version 0.1, or that of a further journal of a process
      (two apps of one name), whose first journal has the marks for all of them. Notes are further
      lines of it: the destination as far as it is known, of which the last one counts.
    - `<journal>-reserve`: a further journal with the same files, the reserve of this one. It exists
      while lines were kept that had to go otherwise (see Bounds). Its lock has no mark, and its
      checkpoint no losses: they are in that of the process's journal. `<journal>-reserve.new` is
      the segment that is being written.
    - `fingerprints`: the fingerprints of the critical failures of the last seven days, of all
      processes. A record is `\n<16 hexadecimal digits> <seconds since the epoch>`.
    - `<journal>.requests`, with ERRWATCH_TRACK_REQUESTS: the requests that the process is serving,
      in slots of 1 KiB. From the 1,025th on each has one byte instead.

Invariants
    - Only the journal's own process appends, from any thread, greenlet or signal handler: one
      `write` per record to a descriptor with O_APPEND. An append waits for nothing.
    - Only the process that holds the lock reads, in one thread, its shipper. Only that thread
      writes the checkpoint, removes segments and writes the reserve.
    - A segment of the reserve is whole from the moment at which it has its name. It has it before
      the segments that its lines come from are removed.
    - Bytes in a segment never change. Records are appended to the last segment. Only a write that
      began before a rotation may still end in the segment before it.
    - A process appends the end mark before it sends its last lines, whether or not it has any: at
      the end of the interpreter, wherever else `Delivery.stop` is called, before a failed job
      returns in a process that may end by `os._exit`, and when the last app of the name was
      garbage-collected. If it still runs a minute later, it is running again.
    - A process that is dead and whose last mark is `running` has died. Whoever adopts its journal
      appends the `Process Died` line to its own journal, and then the mark `reported`.
    - A line is delivered only where its destination is known to be that of the process which
      delivers it (`ownership`). The first note in a lock is written with it: whose access key is
      configured, and a digest of what the files of AWS configure. It is written again before the
      first call to AWS, with the region or endpoint and whose access key signs the call, and when
      the account is known. Without a region or endpoint in it, the process has called nothing: then
      the digest must be equal, too. Where a lock was removed, or the disk was full, there is no
      note: the folder's name decides.
    - A record in `fingerprints` is appended by one `write`, by any process and thread. Of two with
      one fingerprint, the process whose record comes first had the failure first.
    - A slot is filled when a request begins and emptied when it ends, each by one `pwrite`, in its
      own process only.
    - Every record before the committed position was accepted by CloudWatch, refused by it for
      good, or counted as lost. A segment is removed only when all its records are committed.

What a crash leaves
    An appended record survives the end of its process at any moment, `kill -9` included. So does a
    checkpoint, which is renamed into place. Neither is synced to the disk: a crash of the machine
    can lose what the system had not written yet. When the process ends

    - inside an append, the record is torn. It ends where the next one begins, or with the segment,
      and only its own checksum fails. The reader skips and counts it.
    - between an append and its delivery, the record waits for another process.
    - between a delivery and its commit, the batch is sent again. The records that the next process
      reads first are counted as redelivered (`in_doubt`).
    - inside a commit, segments may be gone although the checkpoint is old. The reader continues in
      the oldest segment that exists.
    - inside a rotation or the creation of a journal, the last segment is empty or does not exist.
    - before the next poll, the count of the lines that were refused since the last one is lost.
    - inside the drop of a segment, the lines that were kept of it may be sent twice, and losses of
      the reserve may be counted although their lines arrive. None that is kept is lost.
    - inside a report of losses or the removal of an adopted journal, losses may be reported twice.
    - between the line of a death and its mark, the next process reports the death again.
    - between a record in `fingerprints` and the append of its line, the failure is new in no line.
    - between the creation of a journal and its first request, the death names no request.

    A temporary file that is left is ignored. A checkpoint that cannot be read counts as the
    beginning of the journal: that costs duplicates and no line. A torn record in `fingerprints` is
    none: its failure is new again. So are all failures when the file was removed.

Recovery
    At each poll the shipper checks the files of its process (`DiskJournal.recover`). If the
    descriptor was closed, the writer begins the next segment. If the lock file was removed, it is
    created again. If the current segment was removed or moved away, a new journal is created, and
    the folder again if need be: the waiting lines of that segment are copied to it, and those of
    earlier segments are counted as lost. What is left of the old one gets an end mark. The lock is
    created with its marks. The file of requests is created again too, without those that are under
    way. The times of the current segment, the checkpoint, the lock and the file of requests are set
    to now every few seconds, for cleaners that remove old files. The lock's time is when a process
    that died was last alive. If the folder cannot be created again, or belongs to another user, a
    journal in memory takes its place, with the waiting lines of the current segment
    (`DiskJournal.in_memory`). Others are counted as lost.

Adoption
    A process searches the folder every few seconds for locks that it can acquire: their processes
    are dead. A journal without a lock file is adopted at the second search that finds it so,
    because a living process creates its lock again. It also searches the folders beside its own, of
    version 0.1 and of other destinations, for journals whose destination is the same. Those of
    another one, or of one that is not known, stay as they are, unlocked. An adopted journal is read
    from its committed position to its end. If its process died, that is reported first, so that it
    does not depend on what CloudWatch accepts. Then its losses are added to those of the process's
    own journal, and its files are removed. One that cannot be read is abandoned: its files stay,
    locked, until this process ends. A process has at most four adopted journals at a time.

Bounds
    ERRWATCH_JOURNAL_MAX_BYTES is the bound of all segments in the folder together. At each poll a
    process divides the room that is left by the number of lock files, and its writer may append
    that much. Lines beyond it are refused and counted. In a margin below the bound (1/8 of it, with
    many processes up to 1/4) a process drops its oldest segments while they are larger than its
    share of the bound less the margin: first those of an adopted journal, then its own, except the
    current one. So new lines are refused only if the margin fills up between two polls or the disk
    is full, and no process drops lines that another one is sending.

    What goes is the majority. A group is the lines of one detector and one address. The majority
    are the largest groups that together are half of the last lines of the eight newest segments in
    the folder, if 128 groups or fewer are, and all groups at least half as large as the smallest of
    them. An exception whose fingerprint is not among those lines is never of the majority. The
    lines of a dropped segment that are not of the majority are copied to the reserve. It may have a
    quarter of the process's share of the bound. When it has more, lines are dropped until it has
    three quarters of that: those of what is the majority by then, and then those whose detector or
    group has most of the newest lines. New fingerprints come first, critical lines before others of
    the same magnitude, and among equals the oldest stay. While the folder is more than half full,
    the reserve is delivered before everything else. On a full disk nothing is reserved.

    `fingerprints` may have 256 KiB, which the bound does not count. When it has more, a shipper
    rewrites it, with the last record of each fingerprint, and 4,096 of them. A process adds a
    record for a fingerprint only if no other one did within the last hour.

Modules
    `directory`: the folder and the names of its files. `destination`: what is noted of the place
    that lines are for. `records`: the format of a record. `writer`: appends. `reader`: reads,
    commits and drops. `lock`: the lock file. `marks`: its content. `process_marks`: the marks and
    the requests of this process, for all its journals. `requests`: the file of requests. `deaths`:
    a process that died. `losses`: counts. `flood`: which lines are of the majority. `reserve`:
    keeps the others. `fingerprints`: which failures are new. `adoption`: finds the journals of dead
    processes. `waiting`: what they left. `disk`: the journal of this process, its recovery and its
    bound. `memory`: the journal without a folder. `protocols`: what the shipper needs of both.
    `inspection`: what is in a folder, read without a lock.
"""

from typing import TYPE_CHECKING

from flask_errwatch.delivery.journal.adoption import Orphan
from flask_errwatch.delivery.journal.destination import Destination, key_owner
from flask_errwatch.delivery.journal.directory import (
    JournalFolder,
    UnusableFolderError,
    can_be_created,
    chosen_folder,
    create_app_folder,
    other_folders,
)
from flask_errwatch.delivery.journal.disk import open_journal
from flask_errwatch.delivery.journal.inspection import FolderContents, inspect_folder
from flask_errwatch.delivery.journal.protocols import Fingerprints, Journal, RecordSource
from flask_errwatch.delivery.journal.reader import JournalReader
from flask_errwatch.delivery.journal.records import Line, Position, Record, line_of
from flask_errwatch.delivery.journal.waiting import Waiting, waiting_in

if TYPE_CHECKING:
    # Only their types are needed outside, and few processes need more: they are imported late.
    from flask_errwatch.delivery.journal.deaths import Death as Death
    from flask_errwatch.delivery.journal.requests import RequestSlots as RequestSlots
    from flask_errwatch.delivery.journal.requests import UnderWay as UnderWay

__all__ = [
    "Destination",
    "Fingerprints",
    "FolderContents",
    "Journal",
    "JournalFolder",
    "JournalReader",
    "Line",
    "Orphan",
    "Position",
    "Record",
    "RecordSource",
    "UnusableFolderError",
    "Waiting",
    "can_be_created",
    "chosen_folder",
    "create_app_folder",
    "fingerprints_in_memory",
    "inspect_folder",
    "key_owner",
    "line_of",
    "open_journal",
    "other_folders",
    "waiting_in",
]


def fingerprints_in_memory() -> Fingerprints:
    """Those that this process has shown since its start, for tests: they need no folder."""
    from flask_errwatch.delivery.journal.fingerprints import MemoryFingerprints

    return MemoryFingerprints()
