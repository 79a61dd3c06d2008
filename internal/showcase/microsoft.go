package main

import (
	"fmt"
	"net"
	"net/http"

	"github.com/entrafed/entrafed"
)

// arrived is where the stand-in for Microsoft leads, as Microsoft does: to another site.
const arrived = "/arrived"

// newMicrosoft listens in the place of Microsoft's sign-in, which is another site than the Bridge's, and leads on to where
// people wanted to go.
func newMicrosoft(origin string) (net.Listener, http.Handler, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	return listener, http.RedirectHandler(origin+arrived, http.StatusSeeOther), err
}

// cloudAt is a cloud whose sign-in is the stand-in's.
func cloudAt(microsoft net.Listener) entrafed.Cloud {
	cloud := entrafed.Global()
	cloud.InsecureLoopback = true
	cloud.Login = "http://" + microsoft.Addr().String()
	cloud.AssertionConsumerService = cloud.Login + "/login.srf"
	return cloud
}

func serveArrived(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = fmt.Fprint(w, `<!DOCTYPE html><html lang="en"><link rel="icon" href="data:," /><title>Arrived</title><main><h1>Microsoft 365 would be here</h1></main></html>`)
}
