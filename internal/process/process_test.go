package process

import "testing"

func TestUnread(t *testing.T) {
	for environ, want := range map[string]bool{
		"":                              true,
		"PATH=/bin":                     true,
		"TF_LOG=":                       true,
		"MY_TF_LOG=TRACE":               true,
		"TF_LOG=TRACE":                  false,
		"TF_LOG=off":                    false, // whatever the user has set, stays
		"TF_LOG_PROVIDER=INFO":          false,
		"TF_LOG_PROVIDER_DOCKER_TLS=1":  false,
		"TF_LOG_SDK_FRAMEWORK=DEBUG":    false,
		"TF_LOG_SDK_PROTO_DATA_DIR=out": false,
		"TF_LOG_PATH=terraform.log":     false,
	} {
		if got := unread([]string{"HOME=/", environ}); got != want {
			t.Errorf("%s: got %t, want %t", environ, got, want)
		}
	}
}
