package provision_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func TestADirectoryErrorMatchesOneSentinelOrNone(t *testing.T) {
	t.Parallel()
	type answer = provision.DirectoryError
	const request = "Request_BadRequest"
	const concurrent = "Directory_ConcurrencyViolation"
	taken := "Another object with the same value for property userPrincipalName already exists."
	details := func(code string) []provision.ErrorDetail {
		return []provision.ErrorDetail{{Code: "Other"}, {Code: code, Target: "userPrincipalName"}}
	}
	for name, tc := range map[string]struct {
		err       provision.DirectoryError
		want      error
		temporary bool
	}{
		"no answer":                     {answer{Err: errors.New("reset")}, provision.ErrUnavailable, true},
		"no answer and no cause":        {answer{}, provision.ErrUnavailable, true},
		"no answer for want of a token": {answer{Err: provision.ErrUnauthorized}, provision.ErrUnauthorized, false},
		"401":                           {answer{Status: 401, Code: "InvalidAuthenticationToken"}, provision.ErrUnauthorized, false},
		"403":                           {answer{Status: 403, Code: "Authorization_RequestDenied"}, provision.ErrForbidden, false},
		"404":                           {answer{Status: 404, Code: "Request_ResourceNotFound"}, provision.ErrNotFound, false},
		"404 as 400": {answer{Status: 400, Code: request, Message: "Resource 'x' does not exist or one of its " +
			"queried reference-property objects are not present."}, provision.ErrNotFound, false},
		"408": {answer{Status: 408}, provision.ErrUnavailable, true},
		"429": {answer{Status: 429, Code: "TooManyRequests"}, provision.ErrThrottled, true},
		"legacy throttling code": {answer{Status: 503, Code: "Request_ThrottledTemporarily"},
			provision.ErrThrottled, true},
		"500": {answer{Status: 500}, provision.ErrUnavailable, true},
		"502": {answer{Status: 502}, provision.ErrUnavailable, true},
		"503": {answer{Status: 503}, provision.ErrUnavailable, true},
		"504": {answer{Status: 504}, provision.ErrUnavailable, true},

		"clash by detail": {
			answer{Status: 400, Code: request, Details: details("ObjectConflict")},
			provision.ErrConflict, false,
		},
		"clash by conflicting objects": {
			answer{Status: 400, Code: request, Details: details("ConflictingObjects")},
			provision.ErrConflict, false,
		},
		"clash by text, status and code": {
			answer{Status: 400, Code: request, Message: taken},
			provision.ErrConflict, false,
		},
		"clash as 409": {
			answer{Status: 409, Code: "Request_MultipleObjectsWithSameKeyValue"},
			provision.ErrConflict, false,
		},
		"clash as 500, as in earlier years": {
			answer{Status: 500, Details: details("ObjectConflict")},
			provision.ErrConflict, false,
		},
		"clash as 500, by its text": {answer{Status: 500, Code: "Service_InternalServerError", Message: taken},
			provision.ErrConflict, false},
		"no room: 403": {answer{Status: 403, Code: "Directory_QuotaExceeded"}, nil, false},
		"no room: 400": {answer{Status: 400, Code: "Directory_QuotaExceeded"}, nil, false},
		"not a clash: the text of a 502": {answer{Status: 502, Code: request, Message: taken},
			provision.ErrUnavailable, true},
		"not a clash: 409 alone":      {answer{Status: 409}, nil, false},
		"not a clash: 400 alone":      {answer{Status: 400, Code: request}, nil, false},
		"not a clash: the text alone": {answer{Status: 400, Code: "BadRequest", Message: taken}, nil, false},
		"not a clash: another detail": {
			answer{Status: 400, Code: request, Details: details("InvalidValue")},
			nil, false,
		},
		"not a clash: concurrent writes": {answer{Status: 409, Code: concurrent}, nil, true},
		"not a clash: concurrent, as 400": {
			answer{Status: 400, Code: concurrent, Details: details("ObjectConflict")},
			nil, true,
		},
		"not a clash: a detail beside a 403": {
			answer{Status: 403, Details: details("ObjectConflict")},
			provision.ErrForbidden, false,
		},

		"no seat": {answer{Status: 400, Code: request, Message: "Subscription with SKU " + standardSKU +
			" does not have any available licenses."}, provision.ErrNoLicense, false},
		"unknown SKU": {answer{Status: 400, Code: request, Message: "License " + standardSKU +
			" does not correspond to a valid company License."}, provision.ErrNoLicense, false},
		"no seat: the text alone": {answer{Status: 409, Message: "does not have any available licenses"}, nil, false},

		"a member already": {answer{Status: 400, Code: request, Message: "One or more added object references already " +
			"exist for the following modified properties: 'members'."}, provision.ErrAlreadyMember, false},
		"a member already: the text alone": {
			answer{Status: 409, Message: "One or more added object references already exist"},
			nil, false,
		},
		"an expired cursor": {answer{Status: 410}, provision.ErrCursorExpired, false},
		"an expired cursor, by its code": {
			answer{Status: 410, Code: "resyncRequired"},
			provision.ErrCursorExpired, false,
		},
		"an expired cursor, as 400": {
			answer{Status: 400, Code: "syncStateNotFound"},
			provision.ErrCursorExpired, false,
		},
		"an expired page": {
			answer{Status: 400, Code: "Directory_ExpiredPageToken"},
			provision.ErrCursorExpired, false,
		},
		"not an expired cursor: the code alone": {
			answer{Status: 404, Code: "syncStateNotFound"},
			provision.ErrNotFound, false,
		},

		"lag: usage location": {answer{Status: 400, Code: request,
			Message: "License assignment cannot be done for user with invalid usage location."}, nil, true},
		"lag: reference": {answer{Status: 400, Code: request, Message: "Not a valid reference update."}, nil, true},
		"lag: values": {
			answer{Status: 400, Code: request, Message: "One or more property values specified are invalid."},
			nil, true,
		},
		"lag: the tenant itself": {answer{Status: 400, Code: "Directory_ObjectNotFound"}, nil, true},
		"not lag: wrong values": {
			answer{Status: 400, Code: request, Message: "One or more properties contains invalid values."},
			nil, false,
		},
		"not lag: the text of a 403": {
			answer{Status: 403, Message: "Not a valid reference update."},
			provision.ErrForbidden, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, err := range []error{&tc.err, fmt.Errorf("wrapped: %w", &tc.err)} {
				for _, s := range append(sentinels(), provision.ErrAlreadyMember, provision.ErrCursorExpired) {
					require.Equal(t, s == tc.want, errors.Is(err, s), "%v", s)
				}
			}
			require.Equal(t, tc.temporary, tc.err.Temporary())
			require.NotEmpty(t, tc.err.Error())
		})
	}
}

func TestADirectoryErrorKeepsItsCause(t *testing.T) {
	t.Parallel()
	err := &provision.DirectoryError{Operation: "POST /users", Err: context.DeadlineExceeded}
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.EqualError(t, err, "POST /users: no answer: context deadline exceeded")
	full := &provision.DirectoryError{Operation: "POST /users", Status: 403, Code: "Authorization_RequestDenied",
		Message: "Insufficient privileges", RequestID: "r-1"}
	require.EqualError(t, full, "POST /users: 403 Forbidden, Authorization_RequestDenied: Insufficient privileges "+
		"(request-id r-1)")
}

func TestEveryFailureHasAReasonAPublicTextAndAHint(t *testing.T) {
	t.Parallel()
	cases := map[provision.Reason]error{
		provision.ReasonInvalidPerson: fmt.Errorf("%w: ID is required", provision.ErrInvalidPerson),
		provision.ReasonUnauthorized:  status(401),
		provision.ReasonForbidden:     status(403),
		provision.ReasonConflict:      &provision.ConflictError{Property: "userPrincipalName"},
		provision.ReasonNoLicense:     &provision.LicenseError{License: "SPB"},
		provision.ReasonThrottled:     throttled(9 * time.Second),
		provision.ReasonUnavailable:   dropped(),
		provision.ReasonNotReady:      provision.ErrNotReady,
		provision.ReasonCanceled:      context.Canceled,
		provision.ReasonRetired:       provision.ErrRetired,
		provision.ReasonNotAllowed:    &provision.RefusedError{Rule: "strangers", Reason: "disk"},
		provision.ReasonNotOwned:      provision.ErrNotOwned,
		provision.ReasonUnknown:       provision.ErrNoRecord,
		provision.ReasonRefused:       badRequest("Property userPrincipalName is invalid."),
		provision.ReasonInternal:      errDisk,
	}
	temporary := map[provision.Reason]time.Duration{provision.ReasonThrottled: 9 * time.Second,
		provision.ReasonUnavailable: 0, provision.ReasonNotReady: 0, provision.ReasonCanceled: 0}
	for reason, cause := range cases {
		t.Run(string(reason), func(t *testing.T) {
			t.Parallel()
			err := &provision.Error{Step: provision.StepLicense, Person: contractor().Key(), Err: cause}
			require.Equal(t, reason, err.Reason())
			require.ErrorIs(t, err, cause)
			requireOneSentinel(t, err)
			after, again := err.RetryAfter()
			want, isTemporary := temporary[reason]
			require.Equal(t, isTemporary, again)
			require.Equal(t, want, after)
			require.ErrorContains(t, err, `step "license" for person "104" of connection "google"`)
			require.NotEmpty(t, err.Public())
			for _, internal := range []string{"104", "google", "license:", "SPB", "Graph", "401", "disk", "user"} {
				require.NotContains(t, err.Public(), internal)
			}
		})
	}
}

func TestTheRemedyForA403NamesThePermission(t *testing.T) {
	t.Parallel()
	for step, permission := range map[string]string{
		provision.StepCreate:  "User.ReadWrite.All",
		provision.StepLicense: "LicenseAssignment.ReadWrite.All",
		provision.StepSettle:  "User.Read.All",
		"group":               "the permission that this step needs",
	} {
		require.ErrorContains(t, &provision.Error{Step: step, Err: status(403)}, permission)
	}
}
