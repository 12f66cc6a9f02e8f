"""Faults of buckets, database, secrets, registry and topic."""

from celec_assets_tests.terraform_faults.planting import Fault, inner, new, put, said, without

DATABASE = "aws_db_instance"
LAKE = 'this["lake"]'


FAULTS: list[tuple[str, str, Fault]] = [
    # rule, environment, fault
    ("buckets_are_private", "prod", put("aws_s3_bucket_public_access_block", LAKE, restrict_public_buckets=False)),
    ("buckets_are_private", "prod", without("aws_s3_bucket_public_access_block", LAKE)),
    ("buckets_are_encrypted", "prod", without("aws_s3_bucket_server_side_encryption_configuration", "artifacts")),
    (
        "buckets_keep_versions",
        "prod",
        put("aws_s3_bucket_versioning", LAKE, versioning_configuration=inner("status", "Suspended")),
    ),
    ("buckets_speak_tls_alone", "prod", said("aws_s3_bucket_policy", "logs", "OnlyOverTls")),
    (
        "buckets_forget_what_is_old",
        "prod",
        put("aws_s3_bucket_lifecycle_configuration", LAKE, rule=inner("noncurrent_version_expiration", [])),
    ),
    (
        "the_lake_forgets_nothing_that_is_there",
        "prod",
        put("aws_s3_bucket_lifecycle_configuration", LAKE, rule=inner("expiration", [{"days": 365}])),
    ),
    ("the_lake_outlives_a_mistake", "prod", put("aws_s3_bucket", LAKE, force_destroy=True)),
    ("the_database_is_private", "staging", put(DATABASE, publicly_accessible=True)),
    ("the_database_is_encrypted", "staging", put(DATABASE, storage_encrypted=False)),
    (
        "the_database_speaks_tls_alone",
        "staging",
        put("aws_db_parameter_group", parameter=lambda of: [one for one in of if one["name"] != "rds.force_ssl"]),
    ),
    ("the_database_speaks_tls_alone", "staging", put(DATABASE, engine_version="17.2")),
    ("the_database_is_backed_up", "staging", put(DATABASE, backup_retention_period=0)),
    ("the_database_of_prod_is_protected", "prod", put(DATABASE, deletion_protection=False)),
    ("the_database_of_prod_is_protected", "prod", put(DATABASE, skip_final_snapshot=True)),
    ("passwords_are_never_in_the_state", "prod", put(DATABASE, manage_master_user_password=False)),
    (
        "passwords_are_never_in_the_state",
        "prod",
        put("aws_secretsmanager_secret_version", "mlflow", secret_string="{}"),
    ),
    ("passwords_are_never_in_the_state", "prod", new("random_password", result="hunter2")),
    ("images_cannot_be_replaced_and_are_scanned", "prod", put("aws_ecr_repository", image_tag_mutability="MUTABLE")),
    (
        "images_cannot_be_replaced_and_are_scanned",
        "prod",
        put("aws_ecr_repository", image_scanning_configuration=inner("scan_on_push", False)),
    ),
    ("alerts_are_encrypted", "prod", put("aws_sns_topic", kms_master_key_id=None)),
    ("alerts_are_encrypted", "prod", put("aws_sns_topic", kms_master_key_id="alias/aws/sns")),
]
