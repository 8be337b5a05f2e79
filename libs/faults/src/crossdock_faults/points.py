"""Every place there is. The code names them as `reached("<value>")`; a test compares both."""

from enum import StrEnum


class Point(StrEnum):
    # A consumer's batch. "after" and "before" a commit are what a crash can tell apart.
    CONSUMER_CLAIMED = "consumer.claimed"  # fence and inbox are written, nothing is handled
    CONSUMER_HANDLED_SOME = "consumer.handled_some"  # one type's handler is through, the batch is not
    CONSUMER_BEFORE_COMMIT = "consumer.before_commit"
    CONSUMER_AFTER_COMMIT = "consumer.after_commit"  # Kafka's offset is not committed yet
    CONSUMER_REVOKED = "consumer.revoked"  # in the callback, partitions are being taken away
    CONSUMER_CLOSING = "consumer.closing"  # at the end of a session, before its last transaction is awaited

    # A relay's wave, and the log written anew.
    RELAY_BEFORE_SEND = "relay.before_send"
    PRODUCER_SENT = "producer.sent"  # batches are on their way, no ack has been looked at
    RELAY_AFTER_ACK = "relay.after_ack"  # the rows are on the log and in the outbox
    RELAY_AFTER_DELETE = "relay.after_delete"
    REBUILD_BEGUN = "rebuild.begun"  # the epoch is raised, nothing is replayed
    REBUILD_SENT = "rebuild.sent"  # a part is on the new log, its place is not noted
    REBUILD_ADVANCED = "rebuild.advanced"  # a part is noted, the replay has not ended

    # What comes in.
    INTAKE_BEFORE_COMMIT = "intake.before_commit"
    INTAKE_AFTER_COMMIT = "intake.after_commit"  # the marketplace has no answer yet
    HTTP_BEFORE_ANSWER = "http.before_answer"  # a write is committed, its 2xx is not sent

    # Calls to the outside. Each "answered" is after they did it and before we stored that they did.
    JOB_CLAIMED = "job.claimed"
    JOB_STORED = "job.stored"
    CARRIER_CREATED = "carrier.created"
    CARRIER_SOLD = "carrier.sold"
    CARRIER_VOIDED = "carrier.voided"
    MARKETPLACE_TOLD = "marketplace.told"
    MAIL_ATTEMPT_STORED = "mail.attempt_stored"  # nothing is handed over
    MAIL_ACCEPTED = "mail.accepted"

    TIMER_BEFORE_COMMIT = "timer.before_commit"
    PARKING_BEFORE_COMMIT = "parking.before_commit"  # of a replay
