"""Faults of roles: of tasks, of people, of who deploys."""

from celec_assets_tests.terraform_faults.planting import Fault, also, put, said

ROLE = "aws_iam_role"
POLICY = "aws_iam_role_policy"
DEPLOY = "aws_iam_policy"
OWN = "aws:ResourceTag/environment"
NEW = "aws:RequestTag/environment"


FAULTS: list[tuple[str, str, Fault]] = [
    # rule, environment, fault
    (
        "actions_exist",
        "staging",
        said(POLICY, "platform.aws_iam_role_policy.run", "ReadAndWriteTheLake", Action=["s3:GetObjects"]),
    ),
    ("statements_have_names", "staging", said(POLICY, "reader", "ListObjectsAndTheirVersions", Sid="")),
    (
        "roles_of_tasks_name_actions_and_resources",
        "prod",
        said(POLICY, "platform.aws_iam_role_policy.run", "ReadAndWriteTheLake", Action="s3:*"),
    ),
    (
        "roles_of_tasks_name_actions_and_resources",
        "prod",
        said(POLICY, "platform.aws_iam_role_policy.orchestration", "StartRuns", Resource="*"),
    ),
    (
        "actions_without_resources_are_allowed_on_all",
        "prod",
        said(DEPLOY, '["watching"]', "OwnTopic", Action=["sns:SetTopicAttributes", "sns:Unsubscribe"]),
    ),
    (
        "actions_without_resources_are_allowed_on_all",
        "staging",
        said(DEPLOY, '["watching"]', "AlarmMadeOfAlarms", Resource="arn:aws:cloudwatch:*:*:alarm:celec-staging-*"),
    ),
    (
        "passing_roles_is_bound",
        "prod",
        said(POLICY, "platform.aws_iam_role_policy.orchestration", "GiveRunsTheirRoles", Condition={}),
    ),
    (
        "passing_roles_is_bound",
        "prod",
        said(POLICY, "platform.aws_iam_role_policy.orchestration", "GiveRunsTheirRoles", Resource="*"),
    ),
    (
        "nobody_from_outside_assumes_a_role",
        "prod",
        said(ROLE, "storage.aws_iam_role.reader", "PeopleOfTheAccount", "assume_role_policy", Principal={"AWS": "*"}),
    ),
    (
        "nobody_from_outside_assumes_a_role",
        "prod",
        put(ROLE, "deploy", assume_role_policy=lambda text: text.replace(":environment:prod", ":*")),
    ),
    (
        "nobody_from_outside_assumes_a_role",
        "prod",
        put(ROLE, "run.aws_iam_role.task", assume_role_policy=lambda text: text.replace("aws:Source", "aws:Other")),
    ),
    (
        "reading_secrets_is_for_those_who_start_with_them",
        "prod",
        said(
            POLICY, "platform.aws_iam_role_policy.run", "ReadAndWriteTheLake", Action=["secretsmanager:GetSecretValue"]
        ),
    ),
    ("who_starts_a_task_reads_its_secrets", "prod", said(POLICY, "webserver_task", "ReadSecrets")),
    (
        "roles_may_do_what_their_programs_ask_for",
        "staging",
        said(POLICY, "platform.aws_iam_role_policy.orchestration", "StartRuns"),
    ),
    (
        "roles_may_do_what_their_programs_ask_for",
        "staging",
        said(POLICY, "platform.aws_iam_role_policy.orchestration", "GiveRunsTheirRoles"),
    ),
    (
        "roles_may_do_what_their_programs_ask_for",
        "staging",
        said(POLICY, "platform.aws_iam_role_policy.orchestration", "SendAlerts"),
    ),
    (
        "roles_may_do_what_their_programs_ask_for",
        "staging",
        said(POLICY, "platform.aws_iam_role_policy.webserver", "WatchAndStopTasks", Action=["ecs:DescribeTasks"]),
    ),
    (
        "roles_may_do_what_their_programs_ask_for",
        "staging",
        said(POLICY, "platform.aws_iam_role_policy.run", "ReadAndWriteTheLake", Action=["s3:GetObject"]),
    ),
    ("roles_may_do_what_their_programs_ask_for", "prod", said("aws_iam_policy", "boundary", "OwnAlerts")),
    (
        "who_starts_a_task_may_pull_its_image_and_write_its_log",
        "prod",
        said(POLICY, "module.run.aws_iam_role_policy.execution", "PullImage"),
    ),
    (
        "who_starts_a_task_may_pull_its_image_and_write_its_log",
        "prod",
        said(POLICY, "pages_task.aws_iam_role_policy.execution", "WriteLogs", Action=["logs:PutLogEvents"]),
    ),
    (
        "roles_may_do_little_else",
        "prod",
        said(POLICY, "uploader", "PutRawFiles", Action=["s3:PutObject", "s3:GetObject"]),
    ),
    (
        "roles_may_do_little_else",
        "prod",
        said(POLICY, "platform.aws_iam_role_policy.pages", "ShowReports", Action=["s3:GetObject", "s3:PutObject"]),
    ),
    (
        "the_database_task_asks_aws_for_nothing",
        "prod",
        also(POLICY, "platform.aws_iam_role_policy.run", role="celec-prod-database-task"),
    ),
    (
        "who_deploys_changes_its_own_environment_alone",
        "prod",
        said(DEPLOY, '["watching"]', "OwnKey", Condition={"StringEqualsIfExists": {OWN: "prod"}}),
    ),
    (
        "who_deploys_changes_its_own_environment_alone",
        "staging",
        said(DEPLOY, '["compute"]', "ScaleOwnServices", Condition={"StringEquals": {OWN: ["staging", "prod"]}}),
    ),
    (
        "who_deploys_changes_its_own_environment_alone",
        "staging",
        said(DEPLOY, '["data"]', "OwnDatabase", Resource="arn:aws:rds:us-east-1:123456789012:db:*"),
    ),
    ("who_deploys_changes_its_own_environment_alone", "prod", said(DEPLOY, '["network"]', "OwnNames", Condition={})),
    (
        "who_deploys_may_do_what_the_script_asks",
        "staging",
        said(DEPLOY, '["data"]', "OwnDatabase", Action=lambda of: [a for a in of if a != "rds:StopDBInstance"]),
    ),
    (
        "who_deploys_may_do_what_the_script_asks",
        "staging",
        said(DEPLOY, '["state"]', "CompareWithWhatIsThere", Action=["ecs:Describe*"]),
    ),
    ("who_deploys_reaches_its_own_by_their_tags", "prod", said(DEPLOY, '["network"]', "RulesOfOwnGroups")),
    ("who_deploys_reaches_its_own_by_their_tags", "prod", said(DEPLOY, '["network"]', "TagPartsAsTheyAreMade")),
    (
        "who_deploys_reaches_its_own_by_their_tags",
        "prod",
        said(DEPLOY, '["network"]', "TagPartsAsTheyAreMade", Condition={"StringEquals": {NEW: "prod"}}),
    ),
    (
        "who_deploys_reaches_its_own_by_their_tags",
        "staging",
        said(DEPLOY, '["network"]', "OwnNetwork", Condition={"StringEquals": {NEW: "staging"}}),
    ),
    (
        "who_deploys_sees_that_secrets_are_there",
        "prod",
        said(DEPLOY, '["data"]', "OwnSecrets", Action=["secretsmanager:PutSecretValue"]),
    ),
]
