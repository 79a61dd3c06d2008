package graph

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// CodeNotFound is the code with which Graph answers 404 for an object that is absent, deleted, or unknown to the
// replica that answers.
const CodeNotFound = "Request_ResourceNotFound"

// Error is what Graph, or the sign-in service that issues the token, answered in place of a result; or that no usable
// answer came, in which case a write may have happened.
type Error struct {
	Operation  string        // "POST /users", or "token"
	Status     int           // 0 when no usable answer came
	Code       string        // Graph's error code, or AADSTS and a number
	Message    string        // at most a few lines
	Details    []ErrorDetail // a few at most
	RequestID  string
	RetryAfter time.Duration
	Err        error // the cause when Status is 0, or the credential's error
}

// ErrorDetail is one entry of Graph's error.details.
type ErrorDetail struct{ Code, Target, Message string }

func (e *Error) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("graph: %s: no answer: %v", e.Operation, e.Err)
	}
	return fmt.Sprintf("graph: %s: %d %s: %s", e.Operation, e.Status, e.Code, e.Message)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// failure is the *Error that err means for this call, or nil.
func (call *call) failure(err error) error {
	if err == nil {
		return nil
	}
	var answered *Error
	if errors.As(err, &answered) {
		if answered.RequestID == "" {
			answered.RequestID = clip(call.header.Get("request-id"))
		}
		return answered
	}
	return call.lost(err)
}

// lost is the error of a call without a usable answer. What was asked may have been done: a 201 that cannot be read is
// lost as well. It names the one id by which Microsoft can find the request.
func (call *call) lost(cause error) *Error {
	var transport *url.Error
	if errors.As(cause, &transport) {
		cause = transport.Err // without the URL, which names the person
	}
	if call.status != 0 {
		cause = fmt.Errorf("the answer (%d) cannot be used: %w", call.status, cause)
	}
	return &Error{
		Operation: call.operation,
		RequestID: clip(call.header.Get("request-id")),
		Err:       fmt.Errorf("%w (client-request-id %s)", cause, call.clientRequestID),
	}
}

// errorBody is Graph's error resource: https://learn.microsoft.com/graph/errors.
type errorBody struct {
	Error struct {
		Code       string
		Message    string
		Details    []ErrorDetail
		InnerError struct {
			RequestID string `json:"request-id"`
		}
	}
}

// refusal is the error of an answer that is not a success, however much of its body could be read.
func (call *call) refusal(content []byte, now time.Time) *Error {
	var body errorBody
	_ = json.Unmarshal(content, &body) // fields of a wrong type are left empty, the others are kept
	refusal := &Error{
		Operation:  call.operation,
		Status:     call.status,
		Code:       clip(body.Error.Code),
		Message:    clip(body.Error.Message),
		Details:    clipDetails(body.Error.Details),
		RequestID:  clip(call.header.Get("request-id")),
		RetryAfter: retryAfter(call.header, now),
	}
	if refusal.RequestID == "" {
		refusal.RequestID = clip(body.Error.InnerError.RequestID)
	}
	if refusal.Code == "" && refusal.Message == "" {
		refusal.Message = call.explain()
	}
	return refusal
}

// explain says what an answer without a Graph error is: as a rule somebody else's, between here and Graph.
func (call *call) explain() string {
	if location, err := url.Parse(call.header.Get("Location")); err == nil && location.Host != "" {
		return clip(fmt.Sprintf("it redirects to %s, which is not followed", location.Host))
	}
	return clip(fmt.Sprintf("the body is not a Graph error (Content-Type %q)", call.header.Get("Content-Type")))
}

// retryAfter reads the header of RFC 9110 section 10.2.3, seconds or a date.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil { // 31 bits: no overflow as a Duration
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(text); err == nil {
		return max(0, date.Sub(now))
	}
	return 0
}

const (
	maxText    = 1024 // bytes of a text that somebody else wrote
	maxDetails = 16
)

func clip(text string) string {
	if len(text) > maxText {
		text = text[:maxText]
	}
	return strings.ToValidUTF8(text, "")
}

func clipDetails(details []ErrorDetail) []ErrorDetail {
	details = details[:min(len(details), maxDetails)]
	for i, detail := range details {
		details[i] = ErrorDetail{Code: clip(detail.Code), Target: clip(detail.Target), Message: clip(detail.Message)}
	}
	return details
}
