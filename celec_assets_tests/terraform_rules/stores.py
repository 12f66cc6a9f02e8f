"""Rules of what keeps data: buckets, database, registry, secrets."""

from celec_assets_tests.terraform_plan import ShownPlan
from celec_assets_tests.terraform_rules.access import listed, statements
from celec_assets_tests.terraform_rules.reading import Findings
from terraform.bill.plan import Resource


def _settings(bucket: Resource, kind: str, plan: ShownPlan) -> Resource | None:
    names = (bucket.values["id"], bucket.get("bucket"))
    return next((found for found in plan.of(kind) if found.get("bucket") in names), None)


def buckets_are_private(plan: ShownPlan) -> Findings:
    switches = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
    for bucket in plan.of("aws_s3_bucket"):
        block = _settings(bucket, "aws_s3_bucket_public_access_block", plan)
        if not block or not all(block.get(switch) for switch in switches):
            yield f"{bucket.address}: can be made public"


def buckets_are_encrypted(plan: ShownPlan) -> Findings:
    for bucket in plan.of("aws_s3_bucket"):
        encryption = _settings(bucket, "aws_s3_bucket_server_side_encryption_configuration", plan)
        if not encryption or not encryption.get("rule"):
            yield f"{bucket.address}: says nothing of encryption"


def buckets_keep_versions(plan: ShownPlan) -> Findings:
    for bucket in plan.of("aws_s3_bucket"):
        versioning = _settings(bucket, "aws_s3_bucket_versioning", plan)
        if not versioning or versioning.values["versioning_configuration"][0]["status"] != "Enabled":
            yield f"{bucket.address}: what is overwritten is lost"


def buckets_speak_tls_alone(plan: ShownPlan) -> Findings:
    for bucket in plan.of("aws_s3_bucket"):
        policy = _settings(bucket, "aws_s3_bucket_policy", plan)
        refusals = [
            statement
            for statement in (statements(policy.values["policy"]) if policy else [])
            if statement["Effect"] == "Deny"
            and statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport") in ("false", ["false"])
            and "s3:*" in listed(statement["Action"])
        ]
        covered = {resource for refusal in refusals for resource in listed(refusal["Resource"])}
        arn = bucket.values["arn"]
        if not {arn, f"{arn}/*"} <= covered:
            yield f"{bucket.address}: answers without TLS"


def buckets_forget_what_is_old(plan: ShownPlan) -> Findings:
    """Old versions and broken uploads cost as much as what is there."""
    for bucket in plan.of("aws_s3_bucket"):
        lifecycle = _settings(bucket, "aws_s3_bucket_lifecycle_configuration", plan)
        rules = [rule for rule in (lifecycle.get("rule", []) if lifecycle else []) if rule["status"] == "Enabled"]
        for kind in ("noncurrent_version_expiration", "abort_incomplete_multipart_upload"):
            if not any(rule.get(kind) for rule in rules):
                yield f"{bucket.address}: has no {kind}"


def the_lake_forgets_nothing_that_is_there(plan: ShownPlan) -> Findings:
    for kind in ("lake", "artifacts"):
        for bucket in plan.of("aws_s3_bucket"):
            lifecycle = _settings(bucket, "aws_s3_bucket_lifecycle_configuration", plan)
            rules = lifecycle.get("rule", []) if lifecycle and f"-{kind}-" in bucket.get("bucket", "") else []
            if any(rule.get("expiration") for rule in rules if rule["status"] == "Enabled"):
                yield f"{bucket.address}: deletes what is in it"


def the_lake_outlives_a_mistake(plan: ShownPlan) -> Findings:
    for bucket in plan.of("aws_s3_bucket"):
        if "-lake-" in (bucket.get("bucket") or "") and bucket.get("force_destroy"):
            yield f"{bucket.address}: goes with whatever is in it"


def the_database_is_private(plan: ShownPlan) -> Findings:
    for database in plan.of("aws_db_instance"):
        if database.get("publicly_accessible"):
            yield f"{database.address}: has a public address"


def the_database_is_encrypted(plan: ShownPlan) -> Findings:
    for database in plan.of("aws_db_instance"):
        if not database.get("storage_encrypted"):
            yield f"{database.address}: its disk is not encrypted"


def the_database_speaks_tls_alone(plan: ShownPlan) -> Findings:
    for database in plan.of("aws_db_instance"):
        group = plan.by("aws_db_parameter_group", "name", database.get("parameter_group_name"))
        group = group or plan.by("aws_db_parameter_group", "id", database.get("parameter_group_name"))
        parameters = {p["name"]: p["value"] for p in (group.get("parameter", []) if group else [])}
        if parameters.get("rds.force_ssl") != "1":
            yield f"{database.address}: answers without TLS"
        version = database.values["engine_version"].partition(".")[0]
        if group and group.values["family"] != f"postgres{version}":
            yield f"{group.address}: is of {group.values['family']}, the database of PostgreSQL {version}"


def the_database_is_backed_up(plan: ShownPlan) -> Findings:
    for database in plan.of("aws_db_instance"):
        if database.get("backup_retention_period", 0) < 7:
            yield f"{database.address}: keeps backups for less than a week"


def the_database_of_prod_is_protected(plan: ShownPlan) -> Findings:
    for database in plan.of("aws_db_instance"):
        if plan.environment == "prod":
            if not database.get("deletion_protection"):
                yield f"{database.address}: is deleted by one command"
            if database.get("skip_final_snapshot") or not database.get("final_snapshot_identifier"):
                yield f"{database.address}: leaves no snapshot"


def passwords_are_never_in_the_state(plan: ShownPlan) -> Findings:
    for database in plan.of("aws_db_instance"):
        if database.get("password") or not database.get("manage_master_user_password"):
            yield f"{database.address}: its password is in the state"
    for version in plan.of("aws_secretsmanager_secret_version"):
        if version.get("secret_string") or version.get("secret_binary"):
            yield f"{version.address}: the state holds it"
    for made in plan.of("random_password", "random_string"):
        yield f"{made.address}: the state holds it"


def images_cannot_be_replaced_and_are_scanned(plan: ShownPlan) -> Findings:
    for repository in plan.of("aws_ecr_repository"):
        if repository.get("image_tag_mutability") != "IMMUTABLE":
            yield f"{repository.address}: a tag may become another image"
        if not any(scan.get("scan_on_push") for scan in repository.get("image_scanning_configuration", [])):
            yield f"{repository.address}: images are not scanned"
    if not plan.of("aws_ecr_lifecycle_policy"):
        yield "images are kept for ever"


def alerts_are_encrypted(plan: ShownPlan) -> Findings:
    for topic in plan.of("aws_sns_topic"):
        key = topic.get("kms_master_key_id")
        if not key:
            yield f"{topic.address}: is not encrypted"
        elif key == "alias/aws/sns":
            yield f"{topic.address}: alarms cannot publish with the key of SNS, whose policy lets no service in"
