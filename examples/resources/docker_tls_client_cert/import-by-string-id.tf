# The files of the certificate, of its private key, and of its authority's certificate. Without the last one the first
# plan records `ca`, and nothing else; without the key it stays where it is.
import {
  to = docker_tls_client_cert.ci
  id = "cert.pem,key.pem,ca.pem"
}
