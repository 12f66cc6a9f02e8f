variable "region" {
  description = "AWS region."
  type        = string
  default     = "us-east-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be a name such as us-east-1."
  }
}

variable "allowed_cidrs" {
  description = "Who may open the pages: IPv4 blocks, for instance of CELEC's offices. Dagster has no login of its own."
  type        = set(string)

  validation {
    condition     = length(var.allowed_cidrs) > 0
    error_message = "allowed_cidrs is empty: nobody could open the pages. Give the addresses of your network, for instance [\"203.0.113.0/24\"]."
  }

  validation {
    condition     = alltrue([for cidr in var.allowed_cidrs : can(cidrnetmask(cidr))])
    error_message = "allowed_cidrs must hold IPv4 blocks such as \"203.0.113.0/24\" (\"203.0.113.7/32\" for one address); IPv6, ::/0 among it, does not reach the load balancer."
  }

  validation {
    condition     = var.domain != null || alltrue([for cidr in var.allowed_cidrs : try(tonumber(split("/", cidr)[1]) >= 8, true)])
    error_message = "allowed_cidrs lets in 0.0.0.0/0 or another block wider than /8, and without a domain nobody is asked who they are: anybody could start and delete runs. Give the addresses of your network, or set domain for HTTPS with a login."
  }
}

variable "domain" {
  description = "For HTTPS with a login: the name under which people come, an ACM certificate for it in this region, and the Cognito user pool that knows them (docs/deployment.md). null: HTTP."
  type = object({
    name            = string
    certificate_arn = string
    login = object({
      user_pool_arn       = string
      user_pool_client_id = string
      user_pool_domain    = string # the prefix of the pool's domain
    })
  })
  default = null

  validation {
    condition     = var.domain == null ? true : can(regex("^[a-z0-9-]+(\\.[a-z0-9-]+)+$", var.domain.name))
    error_message = "domain.name must be a name such as celec.example.com, in lower case, without https:// and without a port."
  }

  validation {
    condition     = var.domain == null ? true : can(regex("^arn:aws:acm:${var.region}:[0-9]{12}:certificate/", var.domain.certificate_arn))
    error_message = "domain.certificate_arn must be a certificate of ACM in ${var.region}: arn:aws:acm:${var.region}:<account>:certificate/<id>."
  }

  validation {
    condition     = var.domain == null ? true : can(regex("^arn:aws:cognito-idp:[a-z0-9-]+:[0-9]{12}:userpool/", var.domain.login.user_pool_arn))
    error_message = "domain.login.user_pool_arn must be a user pool: arn:aws:cognito-idp:<region>:<account>:userpool/<id>."
  }

  validation {
    condition     = var.domain == null ? true : can(regex("^[a-z0-9]+$", var.domain.login.user_pool_client_id)) && can(regex("^[a-z0-9-]+$", var.domain.login.user_pool_domain))
    error_message = "domain.login.user_pool_client_id must be the client's id, and user_pool_domain the first part of the pool's domain, as in celec-staging.auth.us-east-1.amazoncognito.com: docs/deployment.md."
  }
}

variable "image_tag" {
  description = "Commit that the image was built from; scripts/deploy.sh gives it."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{40}$", var.image_tag))
    error_message = "image_tag must be a whole commit (git rev-parse HEAD): a name such as latest says neither what runs nor what to go back to."
  }
}

variable "started" {
  description = "false at the first deployment: everything is made, and nothing runs until there are an image and tables."
  type        = bool
  default     = true
}

variable "jupyter" {
  description = "Whether there is JupyterLab too, on port 8888. It runs whatever it is told, so it wants the login that comes with domain."
  type        = bool
  default     = false

  validation {
    condition     = !var.jupyter || var.domain != null
    error_message = "jupyter needs domain: without a login whoever comes from allowed_cidrs could run programs in your account."
  }
}

variable "lake_may_be_destroyed" {
  description = "true: `terraform destroy` takes the lake too, with raw files and all that was ever issued."
  type        = bool
  default     = false
}

variable "database_password_version" {
  description = "One more than before makes new passwords of the database's users: docs/operations.md."
  type        = number
  default     = 1

  validation {
    condition     = var.database_password_version >= 1 && floor(var.database_password_version) == var.database_password_version
    error_message = "database_password_version must be a whole number from 1 on, and only ever grow."
  }
}

variable "alert_emails" {
  description = "Who is told of alarms, alerts and the budget; each confirms by a mail of AWS's once."
  type        = set(string)

  validation {
    condition     = length(var.alert_emails) > 0 && alltrue([for email in var.alert_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", email))])
    error_message = "alert_emails must hold at least one mail address: nobody would hear of a morning without forecasts."
  }
}

variable "monthly_budget_usd" {
  description = "What the whole account may cost in a month, in US dollars; told at 80 % and when 100 % is foreseen. Where staging and prod share an account, the sum of both."
  type        = number
  default     = 160

  validation {
    condition     = var.monthly_budget_usd >= 1
    error_message = "monthly_budget_usd must be at least 1 US dollar."
  }
}

variable "github_repository" {
  description = "Repository whose workflows may deploy here, as GitHub's tokens name it (docs/deployment.md): owner/name or owner@ID/name@ID; null: none may. terraform/bootstrap makes what it needs."
  type        = string
  default     = null

  validation {
    condition     = var.github_repository == null ? true : can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$|^[A-Za-z0-9-]+@[0-9]+/[A-Za-z0-9._-]+@[0-9]+$", var.github_repository))
    error_message = "github_repository must be of the form owner/name or owner@ID/name@ID: docs/deployment.md says which."
  }
}

variable "settings" {
  description = "Further settings of docs/operations.md for services and runs, for instance { CELEC_PARTITIONS_PER_RUN = \"1000\" }. No secrets: who sees tasks sees them."
  type        = map(string)
  default     = {}

  validation {
    condition = alltrue([for name in keys(var.settings) : contains([
      "CELEC_PARTITIONS_PER_RUN", "CELEC_GEOGLOWS_RIVERS", "CELEC_GEOGLOWS_URL", "CELEC_HISTORIAN_URL",
    ], name)])
    error_message = "settings may hold CELEC_PARTITIONS_PER_RUN, CELEC_GEOGLOWS_RIVERS, CELEC_GEOGLOWS_URL and CELEC_HISTORIAN_URL: every other one follows from what is made here."
  }
}
