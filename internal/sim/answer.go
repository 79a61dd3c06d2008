package main

import (
	"net/http"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// What the directory answers beside success. The texts are Graph's.

const (
	badLocation   = "License assignment cannot be done for user with invalid usage location."
	inheritedSeat = "User license is inherited from a group membership and it cannot be removed directly from the user."
)

func refused(op string, status int, code, message string) *provision.DirectoryError {
	return &provision.DirectoryError{Operation: op, Status: status, Code: code, Message: message}
}

func status(op string, code int) *provision.DirectoryError {
	return refused(op, code, "", http.StatusText(code))
}

func badRequest(op, message string) *provision.DirectoryError {
	return refused(op, http.StatusBadRequest, "Request_BadRequest", message)
}

func notFound(op, what string) *provision.DirectoryError {
	return refused(op, http.StatusNotFound, "Request_ResourceNotFound", "Resource '"+what+
		"' does not exist or one of its queried reference-property objects are not present.")
}

func throttled(op string, after time.Duration) *provision.DirectoryError {
	err := refused(op, http.StatusTooManyRequests, "TooManyRequests", "Too many requests.")
	err.RetryAfter = after
	return err
}

func concurrencyViolation(op string) *provision.DirectoryError {
	return refused(op, http.StatusConflict, "Directory_ConcurrencyViolation",
		"Unable to complete the request due to concurrent requests being made to the tenant. "+
			"Please wait briefly and retry.")
}

func noSeat(op, sku string) *provision.DirectoryError {
	return badRequest(op, "Subscription with SKU "+sku+" does not have any available licenses.")
}

func alreadyMember(op string) *provision.DirectoryError {
	err := badRequest(op, "One or more added object references already exist for the following modified properties: "+
		"'members'.")
	err.Err = provision.ErrAlreadyMember
	return err
}

// clashWith is a value that another object has. Details name the property where it is known, and the object.
func clashWith(op, property, objectID string, as clash) *provision.DirectoryError {
	err := badRequest(op, "Another object with the same value for property "+property+" already exists.")
	if as == conflict {
		err.Status, err.Code = http.StatusConflict, "Request_MultipleObjectsWithSameKeyValue"
	}
	if as == bare {
		return err
	}
	err.Details = []provision.ErrorDetail{{Code: "ObjectConflict", Target: property}}
	if objectID != "" && as != nameless {
		err.Details = append(err.Details, provision.ErrorDetail{Code: "ConflictingObjects", Target: "User_" + objectID})
	}
	return err
}
