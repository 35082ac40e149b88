"""What a function in AWS Lambda has: the event of an alarm, blocks, and a report.

```text
invocation  the event: an alarm fired, a schedule, or an event that is ignored. Pure
settings    configuration and catalogue from the environment: no app is imported
blocks      blocks as `block --from-alarm NAME --yes` does, once for each transition
reports     the message to the person on call. Pure
published   which reports were published
```
"""
