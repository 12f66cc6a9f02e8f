terraform {
  # Bucket and region are those of the account: scripts/deploy.sh says them at `init`.
  backend "s3" {
    key          = "staging.tfstate"
    encrypt      = true
    use_lockfile = true # S3's own lock
  }
}
