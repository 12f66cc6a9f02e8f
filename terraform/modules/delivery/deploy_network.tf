data "aws_iam_policy_document" "network" {
  # AWS gives these things their names; their tags say whose they are. A thing that bears another environment's tag is
  # out of reach, one that is being made bears ours.
  statement {
    sid = "OwnNetwork"
    actions = [
      "ec2:AssociateRouteTable",
      "ec2:AttachInternetGateway",
      "ec2:AuthorizeSecurityGroupEgress",
      "ec2:AuthorizeSecurityGroupIngress",
      "ec2:CreateInternetGateway",
      "ec2:CreateRoute",
      "ec2:CreateRouteTable",
      "ec2:CreateSecurityGroup",
      "ec2:CreateSubnet",
      "ec2:CreateTags",
      "ec2:CreateVpc",
      "ec2:CreateVpcEndpoint",
      "ec2:DeleteInternetGateway",
      "ec2:DeleteRoute",
      "ec2:DeleteRouteTable",
      "ec2:DeleteSecurityGroup",
      "ec2:DeleteSubnet",
      "ec2:DeleteTags",
      "ec2:DeleteVpc",
      "ec2:DeleteVpcEndpoints",
      "ec2:DetachInternetGateway",
      "ec2:DisassociateRouteTable",
      "ec2:ModifySecurityGroupRules",
      "ec2:ModifySubnetAttribute",
      "ec2:ModifyVpcAttribute",
      "ec2:ModifyVpcEndpoint",
      "ec2:RevokeSecurityGroupEgress",
      "ec2:RevokeSecurityGroupIngress",
      "ec2:UpdateSecurityGroupRuleDescriptionsEgress",
      "ec2:UpdateSecurityGroupRuleDescriptionsIngress",
    ]
    resources = [
      for kind in ["internet-gateway", "network-interface", "route-table", "security-group", "security-group-rule", "subnet", "vpc", "vpc-endpoint"] :
      "arn:aws:ec2:${local.here}:${kind}/*"
    ]

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

  # The namespace's hosted zone is made in our name, and bears none.
  statement {
    sid = "OwnNames"
    actions = [
      "route53:ChangeTagsForResource",
      "route53:CreateHostedZone",
      "route53:DeleteHostedZone",
      "servicediscovery:CreatePrivateDnsNamespace",
      "servicediscovery:CreateService",
      "servicediscovery:DeleteNamespace",
      "servicediscovery:DeleteService",
      "servicediscovery:DeregisterInstance",
      "servicediscovery:ListInstances",
      "servicediscovery:TagResource",
      "servicediscovery:UntagResource",
      "servicediscovery:UpdatePrivateDnsNamespace",
      "servicediscovery:UpdateService",
    ]
    resources = ["*"] # namespaces and services have names of AWS's, and creating knows no resources
  }
}
