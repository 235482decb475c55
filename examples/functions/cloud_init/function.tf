locals {
  # User data of each host.
  user_data = {
    for name, cert in docker_tls_server_cert.host : name => provider::docker::cloud_init(cert, {
      settings = { log-opts = { max-size = "10m" } }
    })
  }
}
