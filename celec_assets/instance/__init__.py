"""What `deploy/dagster.yaml` names of ours: how a run becomes a Fargate task, how a database that restarts is waited
for.
"""
