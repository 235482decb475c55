output "daemon_json" {
  value = provider::docker::daemon_json({
    directory = "/etc/docker/certs"
    settings  = { live-restore = true }
  })
}
