variable "region" {
  description = "AWS region of the state, and of what it describes."
  type        = string
  default     = "us-east-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be a name such as us-east-1."
  }
}

variable "github" {
  description = "Whether to make the account's OIDC provider for GitHub. An account has one: false where another project has made it, or nothing is deployed from GitHub."
  type        = bool
}
