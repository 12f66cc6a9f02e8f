variable "environment" {
  description = "staging or prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{0,13}$", var.environment))
    error_message = "environment must have at most 14 lower-case letters and digits: names of AWS's that have little room begin with it."
  }
}

variable "vpc_cidr" {
  description = "Addresses of the VPC, a /16."
  type        = string
}

variable "allowed_cidrs" {
  description = "Who may open the pages, as IPv4 blocks."
  type        = set(string)
}

variable "domain" {
  description = "Name, certificate and Cognito's user pool for HTTPS with a login; null for HTTP."
  type = object({
    name            = string
    certificate_arn = string
    login = object({
      user_pool_arn       = string
      user_pool_client_id = string
      user_pool_domain    = string
    })
  })
}

variable "image_tag" {
  description = "Commit that the image was built from."
  type        = string
}

variable "settings" {
  description = "Further settings, by the name of their variable."
  type        = map(string)
}

variable "started" {
  description = "false: everything is made, and nothing runs until there are an image and tables."
  type        = bool
}

variable "jupyter" {
  description = "Whether there is JupyterLab too."
  type        = bool
}

variable "night" {
  description = "When services and database rest (cron, time zone); null: never."
  type = object({
    services_start = string
    services_stop  = string
    database_start = string
    database_stop  = string
    timezone       = string
  })

  validation {
    condition = var.night == null ? true : alltrue([
      for name, hour in var.night : can(regex("^cron\\(.+ .+ .+ .+ .+ .+\\)$", hour)) || name == "timezone"
    ])
    error_message = "night's hours must be of the form cron(0 6 ? * MON-FRI *): minute, hour, day, month, weekday, year."
  }
}

variable "database" {
  description = "Size of the database, and which version of its passwords is in use."
  type = object({
    instance_class   = string
    storage_gb       = number
    password_version = number
  })

  validation {
    condition     = var.database.storage_gb >= 20
    error_message = "database.storage_gb must be at least 20: gp3 has no smaller disk."
  }

  validation {
    condition     = can(regex("^db\\.[a-z]+[0-9]+g[a-z]*\\.", var.database.instance_class))
    error_message = "database.instance_class must be a Graviton class such as db.t4g.micro: others cost a tenth more for the same."
  }
}

variable "protected" {
  description = "Whether database and load balancer outlive a mistake."
  type        = bool
}

variable "lake_may_be_destroyed" {
  description = "Whether `terraform destroy` takes the lake as well."
  type        = bool
}

variable "log_retention_days" {
  description = "Days for which CloudWatch keeps logs."
  type        = number

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365], var.log_retention_days)
    error_message = "log_retention_days must be one of CloudWatch's: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180 or 365."
  }
}

variable "alert_emails" {
  description = "Who is told of alarms and alerts."
  type        = set(string)
}

variable "monthly_budget_usd" {
  description = "What the whole account may cost in a month, in US dollars."
  type        = number
}

variable "github_repository" {
  description = "Repository whose workflows may deploy, as owner/name; null: none."
  type        = string
}
