# For the instances: user_data = module.docker.user_data["web1"], with ignore_changes = [user_data].
output "user_data" {
  value     = module.docker.user_data
  sensitive = true
}

# An archive for each client and host:
#
#   terraform output -json contexts | jq -r .ops.web1 | base64 -d | docker context import web1 -
output "contexts" {
  value     = module.docker.contexts
  sensitive = true
}

# ca.pem, cert.pem and key.pem of each client, for the secret store of who uses them.
output "client_files" {
  sensitive = true
  value = merge(module.docker.client_files, {
    dba = provider::docker::client_files(docker_tls_client_cert.dba, { daemons = [docker_tls_ca.this] })
  })
}

# What the next apply renews, and from when on an apply will. The authority is no part of the module.
output "renewal" {
  value = {
    due   = merge(module.docker.renewal_due, { authority = docker_tls_ca.this.ready_for_renewal })
    after = merge(module.docker.renewal_after, { authority = docker_tls_ca.this.renewal_time })
  }
}

# terraform output -json inventory | jq 'sort_by(.validity_end_time)'
output "inventory" {
  value = module.docker.inventory
}

# terraform output -raw metrics > /var/lib/prometheus/node-exporter/docker-tls.prom
output "metrics" {
  value = module.docker.metrics
}

output "delivered" {
  value = module.docker.delivered
}
