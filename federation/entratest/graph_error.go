package entratest

import (
	"fmt"
	"net/http"
)

// graphError is an answer of Graph other than success: https://learn.microsoft.com/graph/errors.
type graphError struct {
	status  int
	code    string
	message string
	details []errorDetail
	header  http.Header
}

type errorDetail struct{ code, message, target string }

// writeError writes e in Graph's form.
func (req *graphRequest) writeError(w http.ResponseWriter, e *graphError) {
	body := object{{"code", e.code}, {"message", e.message}}
	if len(e.details) > 0 {
		var details []object
		for _, d := range e.details {
			details = append(details, object{{"code", d.code}, {"message", d.message}, {"target", d.target}})
		}
		body = append(body, member{"details", details})
	}
	body = append(body, member{"innerError", object{
		{"date", req.tenant.now().UTC().Format("2006-01-02T15:04:05")},
		{"request-id", req.id},
		{"client-request-id", req.clientID},
	}})
	req.writeHeader(w)
	for name, values := range e.header {
		w.Header()[name] = values
	}
	if e.status == http.StatusUnauthorized && e.header.Get("WWW-Authenticate") == "" {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="", authorization_uri="%s/common/oauth2/authorize", `+
			`client_id="%s"`, req.tenant.cloud.Login, graphAppID))
	}
	req.tenant.cfg.Logger.Warn("graph refused", "method", req.Method, "path", req.URL.Path, "status", e.status,
		"code", e.code, "message", e.message, "request-id", req.id)
	req.writeBody(w, e.status, object{{"error", body}})
}

// badRequest is what Graph's front door says about a request that does not reach the directory.
func badRequest(message string) *graphError {
	return &graphError{status: http.StatusBadRequest, code: "BadRequest", message: message}
}

// requestError is what the directory says about a request that it does not carry out.
func requestError(message string, details ...errorDetail) *graphError {
	return &graphError{
		status: http.StatusBadRequest, code: "Request_BadRequest", message: message, details: details,
	}
}

func unsupportedQuery(message string) *graphError {
	return &graphError{status: http.StatusBadRequest, code: "Request_UnsupportedQuery", message: message}
}

func errUnauthorized(message string) *graphError {
	return &graphError{status: http.StatusUnauthorized, code: "InvalidAuthenticationToken", message: message}
}

func errTokenExpired() *graphError {
	return errUnauthorized("Lifetime validation failed, the token is expired.")
}

func errForbidden() *graphError {
	return &graphError{
		status: http.StatusForbidden, code: "Authorization_RequestDenied",
		message: "Insufficient privileges to complete the operation.",
	}
}

func errNotFound(id string) *graphError {
	return &graphError{
		status: http.StatusNotFound, code: "Request_ResourceNotFound",
		message: fmt.Sprintf("Resource '%s' does not exist or one of its queried reference-property objects are not "+
			"present.", id),
	}
}

func errConcurrency() *graphError {
	return &graphError{
		status: http.StatusConflict, code: "Directory_ConcurrencyViolation",
		message: "Error due to concurrent requests being made to the tenant. Please wait briefly and retry.",
	}
}

func errInvalidValues() *graphError {
	return requestError("One or more properties contains invalid values.")
}

// errInvalidValue is about one property of an object.
func (c class) errInvalidValue(property string) *graphError {
	message := fmt.Sprintf("Invalid value specified for property '%s' of resource '%s'.", property, c.resource())
	return requestError(message, errorDetail{"InvalidValue", message, property})
}

func errReadOnly(property string) *graphError {
	return requestError(fmt.Sprintf("Property '%s' is read-only and cannot be set.", property))
}

func errMissing(property string) *graphError {
	return requestError(fmt.Sprintf("Property %s value is required but is empty or missing.", property))
}

func errUnknownParameter(name, operation string) *graphError {
	return badRequest(fmt.Sprintf("The parameter '%s' in the request payload is not a valid parameter for the operation "+
		"'%s'.", name, operation))
}

func errUnknownProperty(name string) *graphError {
	return requestError(fmt.Sprintf("Property '%s' does not exist as a declared property or extension property.", name))
}

// errConflict says that another object has the value already.
func (t *Tenant) errConflict(property string, other *entity) *graphError {
	message := fmt.Sprintf("Another object with the same value for property %s already exists.", property)
	e := requestError(message, errorDetail{"ObjectConflict", message, property},
		errorDetail{"ConflictingObjects", message, other.class.resource() + "_" + other.id})
	if t.cfg.ConflictsAs409 {
		e.status, e.code = http.StatusConflict, "Request_MultipleObjectsWithSameKeyValue"
	}
	return e
}
