locals {
  # Parts of the network have names of AWS's; their tags say whose they are.
  part_arns = {
    for kind in ["internet-gateway", "route-table", "security-group", "security-group-rule", "subnet", "vpc", "vpc-endpoint"] :
    kind => "arn:aws:ec2:${local.here}:${kind}/*"
  }

  makes_parts = ["ec2:CreateRouteTable", "ec2:CreateSecurityGroup", "ec2:CreateSubnet", "ec2:CreateVpcEndpoint"]
  made_parts  = [for kind in ["route-table", "security-group", "subnet", "vpc-endpoint"] : local.part_arns[kind]]
}

# It makes and deletes no VPC: the database would go with it.
data "aws_iam_policy_document" "network" {
  # Making a part asks for the part, which bears what is requested, and for the VPC, which has its tags (below).
  statement {
    sid       = "MakePartsOfTheNetwork"
    actions   = local.makes_parts
    resources = local.made_parts

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/environment"
      values   = [var.environment]
    }
  }

  # Only while it is being made is a part without tags given any: else those of others could be made ours.
  statement {
    sid       = "TagPartsAsTheyAreMade"
    actions   = ["ec2:CreateTags"]
    resources = local.made_parts

    condition {
      test     = "StringEquals"
      variable = "ec2:CreateAction"
      values   = [for action in local.makes_parts : trimprefix(action, "ec2:")]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/environment"
      values   = [var.environment]
    }
  }

  statement {
    sid = "OwnNetwork"
    actions = concat(local.makes_parts, [
      "ec2:AssociateRouteTable",
      "ec2:AuthorizeSecurityGroupEgress",
      "ec2:AuthorizeSecurityGroupIngress",
      "ec2:CreateRoute",
      "ec2:CreateTags",
      "ec2:DeleteRoute",
      "ec2:DeleteRouteTable",
      "ec2:DeleteSecurityGroup",
      "ec2:DeleteSubnet",
      "ec2:DeleteTags",
      "ec2:DeleteVpcEndpoints",
      "ec2:DisassociateRouteTable",
      "ec2:ModifySecurityGroupRules",
      "ec2:ModifySubnetAttribute",
      "ec2:ModifyVpcAttribute",
      "ec2:ModifyVpcEndpoint",
      "ec2:RevokeSecurityGroupEgress",
      "ec2:RevokeSecurityGroupIngress",
      "ec2:UpdateSecurityGroupRuleDescriptionsEgress",
      "ec2:UpdateSecurityGroupRuleDescriptionsIngress",
    ])
    resources = values(local.part_arns)

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/environment"
      values   = [var.environment]
    }
  }

  # The provider makes a rule without tags and gives it some afterwards. A rule alone is of no use to anybody: making
  # and changing one asks for its group too, which has to be ours (above).
  statement {
    sid       = "RulesOfOwnGroups"
    actions   = ["ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress", "ec2:CreateTags"]
    resources = [local.part_arns["security-group-rule"]]

    dynamic "condition" {
      for_each = ["aws:ResourceTag/environment", "aws:RequestTag/environment"]

      content {
        test     = "StringEqualsIfExists"
        variable = condition.value
        values   = [var.environment]
      }
    }
  }

  # Names begin with ours and end with what AWS adds.
  statement {
    sid = "OwnEntrance"
    actions = [
      "elasticloadbalancing:AddTags",
      "elasticloadbalancing:CreateListener",
      "elasticloadbalancing:CreateLoadBalancer",
      "elasticloadbalancing:CreateTargetGroup",
      "elasticloadbalancing:DeleteListener",
      "elasticloadbalancing:DeleteLoadBalancer",
      "elasticloadbalancing:DeleteTargetGroup",
      "elasticloadbalancing:ModifyListener",
      "elasticloadbalancing:ModifyListenerAttributes",
      "elasticloadbalancing:ModifyLoadBalancerAttributes",
      "elasticloadbalancing:ModifyTargetGroup",
      "elasticloadbalancing:ModifyTargetGroupAttributes",
      "elasticloadbalancing:RemoveTags",
      "elasticloadbalancing:SetSecurityGroups",
      "elasticloadbalancing:SetSubnets",
    ]
    resources = [
      "arn:aws:elasticloadbalancing:${local.here}:loadbalancer/app/${var.name}/*",
      "arn:aws:elasticloadbalancing:${local.here}:listener/app/${var.name}/*",
      "arn:aws:elasticloadbalancing:${local.here}:targetgroup/${var.name}-*/*",
    ]
  }

  statement {
    sid       = "LoginOfTheEntrance"
    actions   = ["cognito-idp:DescribeUserPoolClient"]
    resources = ["arn:aws:cognito-idp:${local.here}:userpool/*"] # which one, a variable of the environment says
  }

  # It makes and deletes no namespace: that needs route53:DeleteHostedZone, which knows no tags, for whatever zone.
  statement {
    sid = "OwnNames"
    actions = [
      "servicediscovery:CreateService",
      "servicediscovery:DeleteService",
      "servicediscovery:DeregisterInstance",
      "servicediscovery:ListInstances",
      "servicediscovery:UpdatePrivateDnsNamespace",
      "servicediscovery:UpdateService",
    ]
    resources = [
      "arn:aws:servicediscovery:${local.here}:namespace/*",
      "arn:aws:servicediscovery:${local.here}:service/*",
    ]

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceTag/environment"
      values   = [var.environment]
    }
  }

  statement {
    sid       = "MakeNames"
    actions   = ["servicediscovery:CreateService"] # in a namespace of ours (above)
    resources = ["arn:aws:servicediscovery:${local.here}:service/*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/environment"
      values   = [var.environment]
    }
  }

  # The action knows neither resources nor their tags, so that AWS keeps it only from another environment's tag. What
  # takes tags away knows no tags at all: a person does that, and gives names another tag than this one.
  statement {
    sid       = "TagNamesAsTheyAreMade"
    actions   = ["servicediscovery:TagResource"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "aws:RequestTag/environment"
      values   = [var.environment]
    }
  }
}
