# The files of the certificate and of its private key. Its passphrase, if it has one, comes from the environment
# variable DOCKER_TLS_IMPORT_PASSPHRASE.
import {
  to = docker_tls_ca.this
  id = "ca.pem,ca-key.pem"
}
