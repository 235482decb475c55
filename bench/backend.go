package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// The backends of Terraform.
const (
	local  = "local"
	remote = "http"
)

// states is a server for Terraform's http backend, on loopback. A path is a state.
type states struct {
	url string

	mu     sync.Mutex
	stored map[string][]byte
	locks  map[string][]byte // who holds the lock, as Terraform told
}

// serve starts the server. stop ends it.
func (s *states) serve() (stop func() error, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.url = "http://" + listener.Addr().String()
	s.stored, s.locks = map[string][]byte{}, map[string][]byte{}
	server := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	return func() error {
		err := server.Shutdown(context.Background())
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}, nil
}

func (s *states) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name := r.URL.Path
	switch r.Method {
	case http.MethodGet:
		if state, ok := s.stored[name]; ok {
			_, _ = w.Write(state)
		} else {
			w.WriteHeader(http.StatusNotFound)
		}
	case http.MethodPost:
		s.stored[name] = body
	case http.MethodDelete:
		delete(s.stored, name)
	case "LOCK":
		if holder, held := s.locks[name]; held {
			w.WriteHeader(http.StatusLocked)
			_, _ = w.Write(holder)
		} else {
			s.locks[name] = body
		}
	case "UNLOCK":
		delete(s.locks, name)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// get is a state, or nothing.
func (s *states) get(name string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stored["/"+name]
}

func (s *states) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.stored, "/"+name)
}
