# `terraform plan -refresh=false -lock=false`: what the state says is, against the code. Reading all resources would
# need most of what a deployment reads; a pull request gets less.
data "aws_iam_policy_document" "plan" {
  statement {
    sid       = "ReadTheState"
    actions   = ["s3:GetObject"]
    resources = [local.state_arn]
  }

  statement {
    sid       = "FindTheState"
    actions   = ["s3:ListBucket"]
    resources = [local.state_bucket_arn]
  }

  statement {
    sid       = "WhatEveryPlanAsks"
    actions   = ["ec2:DescribeAvailabilityZones"]
    resources = ["*"] # the action knows no resources
  }
}
