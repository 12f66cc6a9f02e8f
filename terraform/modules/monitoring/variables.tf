variable "name" {
  description = "Prefix of names, for instance celec-staging."
  type        = string
}

variable "topic_arn" {
  description = "Topic that tells people."
  type        = string
}

variable "cluster_name" {
  description = "The cluster."
  type        = string
}

variable "services" {
  description = "Names of its services, each of which has one task at least."
  type        = set(string)
}

variable "log_groups" {
  description = "Log group of each container; `daemon` and `run` are watched."
  type        = map(string)
}

variable "database_identifier" {
  description = "Name of the database in RDS."
  type        = string
}

variable "load_balancer_suffix" {
  description = "The load balancer in CloudWatch's metrics."
  type        = string
}

variable "target_group_suffixes" {
  description = "Target group of each page in CloudWatch's metrics."
  type        = map(string)
}

variable "sleeps" {
  description = "Whether database and services rest at night: then what a night sets off is told only while the database is awake."
  type        = bool
}
