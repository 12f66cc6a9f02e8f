variable "name" {
  description = "Prefix of names, for instance celec-staging."
  type        = string
}

variable "emails" {
  description = "Who is told; each confirms by a mail of AWS's once."
  type        = set(string)
}

variable "monthly_budget_usd" {
  description = "What the whole account may cost in a month, in US dollars."
  type        = number
}
