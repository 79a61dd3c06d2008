package entratest

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
)

// Fault makes the tenant fail: Graph or, if Path says so, the token endpoint or the sign-in service.
type Fault struct {
	// Method is the HTTP method that fails. Empty: every method.
	Method string

	// Path is the path that fails, as a pattern of [path.Match] for the whole path without the query: "/v1.0/users",
	// "/v1.0/users/*/assignLicense", "/*/oauth2/v2.0/token". Compared without regard to case. Empty: every path of Graph.
	// A request in a batch has the path that it would have alone, "/v1.0/users"; the batch as such is "/v1.0/$batch".
	Path string

	// Skip is how many matching requests are answered as usual first.
	Skip int

	// Times is how many requests fail after that. Zero: one. Negative: all.
	Times int

	// Status is what is answered: 400 to 599. Ignored with Drop.
	Status int

	// Code and Message are Graph's error code and message. Empty: those that Graph gives with Status.
	Code    string
	Message string

	// RetryAfter is the Retry-After header, in seconds or as a date. Empty: there is none, as also happens with a real
	// 429.
	RetryAfter string

	// Information is the x-ms-throttle-information of a 429, for example "CPULimitExceeded", with which Graph throttles
	// below all limits when it is under load. Empty: "WriteLimitExceeded" or, of a GET, "ResourceUnitLimitExceeded".
	Information string

	// AfterCommit carries the request out and then loses its answer: a client that simply asks again asks twice.
	AfterCommit bool

	// Drop breaks the connection instead of answering.
	Drop bool
}

// Inject adds a fault and returns a function that takes it away again. Where several faults match a request, the one
// that was injected first applies. Inject panics if fault is not a possible one.
func (t *Tenant) Inject(fault Fault) (remove func()) {
	if err := fault.validate(); err != nil {
		panic(fmt.Sprintf("entratest: impossible fault: %v", err))
	}
	return t.faults.add(fault)
}

func (f Fault) validate() error {
	var errs []error
	if _, err := path.Match(f.Path, ""); err != nil {
		errs = append(errs, fmt.Errorf("the Path %q is not a pattern: %w", f.Path, err))
	}
	if !f.Drop && (f.Status < 400 || f.Status > 599) {
		errs = append(errs, fmt.Errorf("the Status %d is not a failure: use 400 to 599, or Drop", f.Status))
	}
	if f.Skip < 0 {
		errs = append(errs, fmt.Errorf("the Skip %d is negative", f.Skip))
	}
	return errors.Join(errs...)
}

func (f Fault) matches(r *http.Request) bool {
	if f.Method != "" && !strings.EqualFold(f.Method, r.Method) {
		return false
	}
	if f.Path == "" {
		return isGraphPath(r.URL.Path)
	}
	ok, err := path.Match(strings.ToLower(f.Path), strings.ToLower(r.URL.EscapedPath()))
	return ok && err == nil
}

// armedFault is a fault with what is left of it.
type armedFault struct {
	Fault
	skip, left int
	endless    bool
}

type faultList struct {
	mu    sync.Mutex
	armed []*armedFault
}

func (l *faultList) add(f Fault) (remove func()) {
	added := &armedFault{Fault: f, skip: f.Skip, left: max(f.Times, 1), endless: f.Times < 0}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.armed = append(l.armed, added)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.armed = slices.DeleteFunc(l.armed, func(f *armedFault) bool { return f == added })
	}
}

// take returns the fault that applies to r, counting it.
func (l *faultList) take(r *http.Request) (Fault, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, f := range l.armed {
		if !f.matches(r) {
			continue
		}
		if f.skip > 0 {
			f.skip--
			continue
		}
		if !f.endless {
			if f.left--; f.left == 0 {
				l.armed = slices.Delete(l.armed, i, i+1)
			}
		}
		return f.Fault, true
	}
	return Fault{}, false
}

// serveFault fails the request as fault says. Dropping the connection is a panic with [http.ErrAbortHandler], which
// net/http and [Tenant.Transport] understand.
func (t *Tenant) serveFault(w http.ResponseWriter, r *http.Request, fault Fault) {
	if isGraphPath(r.URL.Path) {
		t.newGraphRequest(r).serveFault(w, fault)
		return
	}
	if fault.AfterCommit {
		t.serve(lostAnswer{header: http.Header{}}, r)
	}
	if fault.Drop {
		panic(http.ErrAbortHandler)
	}
	if fault.RetryAfter != "" {
		w.Header().Set("Retry-After", fault.RetryAfter)
	}
	writeJSON(w, fault.Status, object{
		{"error", orElse(fault.Code, "temporarily_unavailable")},
		{"error_description", orElse(fault.Message, http.StatusText(fault.Status))},
	})
}

func (req *graphRequest) serveFault(w http.ResponseWriter, fault Fault) {
	t := req.tenant
	if fault.AfterCommit {
		_, _ = req.answer()
	}
	if fault.Drop {
		t.recordCall(req, 0, true)
		panic(http.ErrAbortHandler)
	}
	t.recordCall(req, fault.Status, true)
	req.writeError(w, t.graphFailure(req.Request, fault))
}

// graphFailure is a fault in Graph's form, with the headers that Graph adds when it throttles.
func (t *Tenant) graphFailure(r *http.Request, fault Fault) *graphError {
	failure := usualGraphError(fault.Status)
	failure.status, failure.header = fault.Status, http.Header{}
	failure.code, failure.message = orElse(fault.Code, failure.code), orElse(fault.Message, failure.message)
	if fault.RetryAfter != "" {
		failure.header.Set("Retry-After", fault.RetryAfter)
	}
	if fault.Status == http.StatusTooManyRequests {
		kind, information := "Write", "WriteLimitExceeded"
		if r.Method == http.MethodGet {
			kind, information = "Read", "ResourceUnitLimitExceeded"
		}
		scope := fmt.Sprintf("Tenant_Application/%s/%s/%s", kind, t.callerOf(r), t.cfg.TenantID)
		failure.header.Set("x-ms-throttle-scope", scope)
		failure.header.Set("x-ms-throttle-information", orElse(fault.Information, information))
	}
	return failure
}

// usualGraphError is the code and message that Graph gives with a status.
func usualGraphError(status int) *graphError {
	switch status {
	case http.StatusUnauthorized:
		return errTokenExpired()
	case http.StatusForbidden:
		return errForbidden()
	case http.StatusNotFound:
		return errNotFound("unknown")
	case http.StatusConflict:
		return errConcurrency()
	case http.StatusTooManyRequests:
		return &graphError{status: status, code: "TooManyRequests", message: "Too many requests."}
	case http.StatusInternalServerError:
		return &graphError{code: "Service_InternalServerError", message: "Encountered an internal server error."}
	case http.StatusServiceUnavailable:
		return &graphError{code: "ServiceUnavailable", message: "The service is temporarily unavailable."}
	case http.StatusBadRequest:
		return errInvalidValues()
	}
	return &graphError{code: "UnknownError", message: http.StatusText(status)}
}

// lostAnswer is a response that nobody receives.
type lostAnswer struct{ header http.Header }

func (l lostAnswer) Header() http.Header         { return l.header }
func (l lostAnswer) Write(b []byte) (int, error) { return len(b), nil }
func (l lostAnswer) WriteHeader(int)             {}
