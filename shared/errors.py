"""Every error the product raises, and nothing else.

The tree has two branches, because only one question decides what a trigger does with an error: can trying
again help?

    AppError
    ├── PermanentError                  it cannot: acknowledge, record the reason, tell the client
    │   ├── InvalidRequestError         InvalidUidError · InvalidQueryError · MalformedMultipartError
    │   │                               FrameOutOfRangeError · UnsupportedQueryError · QueryTooBroadError
    │   ├── UnauthenticatedError · ForbiddenError
    │   ├── NotAcceptableError · UnsupportedMediaTypeError · PayloadTooLargeError · ReadOnlyError
    │   ├── NotFoundError               StudyNotFoundError · SeriesNotFoundError · InstanceNotFoundError
    │   │                               ObjectNotFoundError · CaseNotFoundError · JobNotFoundError · IncompleteCaseError
    │   ├── ObjectExistsError           CaseExistsError
    │   ├── PreconditionFailedError
    │   ├── RejectedInstanceError       NotDicomError · DamagedDicomError · MissingAttributeError
    │   │                               InvalidAttributeError · UnsupportedObjectError
    │   │                               IdentifierLeftError · BurnedInPixelsError
    │   │                               RiskTooHighError
    │   ├── SourceRefusedError
    │   └── SettingsError               NotConfiguredError
    └── TransientError                  it may: raise to the host, answer 503
        ├── ObjectChangedError · ConcurrentChangeError · CaseBeingStoredError
        ├── SourceUnavailableError
        └── BackendUnavailableError     UpstreamUnavailableError · UpstreamTimeoutError · BadUpstreamAnswerError
                                        UpstreamLoginError

Messages carry names, tags, sizes and UIDs, never attribute values, credentials or response bodies.
"""


class AppError(Exception):
    """Any error of the product."""


class PermanentError(AppError):
    """Trying again cannot help."""


class InvalidRequestError(PermanentError):
    """The request is malformed."""


class InvalidUidError(InvalidRequestError):
    """A UID breaks the rules of PS3.5 §9.1."""


class InvalidQueryError(InvalidRequestError):
    """A search parameter has no meaning."""


class UnsupportedQueryError(InvalidRequestError):
    """A search parameter has a meaning that this backend cannot honour."""


class QueryTooBroadError(PermanentError):
    """A search would read more rows than its budget; the message names what to add."""


class MalformedMultipartError(InvalidRequestError):
    """A multipart body breaks RFC 2046."""


class FrameOutOfRangeError(InvalidRequestError):
    """A frame number is below 1 or above NumberOfFrames."""


class UnauthenticatedError(PermanentError):
    """Nobody is known to have sent this: it bears no token, or none that is taken."""


class ForbiddenError(PermanentError):
    """Who sent this may not do it, or not there."""


class NotAcceptableError(PermanentError):
    """No representation fits the Accept header."""


class UnsupportedMediaTypeError(PermanentError):
    """The request body has a media type that this resource does not take."""


class PayloadTooLargeError(PermanentError):
    """The request body is over its limit."""


class ReadOnlyError(PermanentError):
    """The object lies in a container that this archive may not change."""


class NotFoundError(PermanentError):
    """What was asked for is not here."""


class StudyNotFoundError(NotFoundError):
    """No instance of this study is in the index."""


class SeriesNotFoundError(NotFoundError):
    """No instance of this series is in the index."""


class InstanceNotFoundError(NotFoundError):
    """This SOP instance is not in the index."""


class ObjectNotFoundError(NotFoundError):
    """The store has no object of this name."""


class CaseNotFoundError(NotFoundError):
    """No image and no report of this case is in the archive."""


class IncompleteCaseError(NotFoundError):
    """The case lacks a view or its report, and all of it was asked for; the message names what."""


class JobNotFoundError(NotFoundError):
    """No job of this id was ever begun."""


class ObjectExistsError(PermanentError):
    """An object of this name is there already, and overwriting was not asked for."""


class CaseExistsError(ObjectExistsError):
    """The clinical case is there already, with other contents."""


class PreconditionFailedError(PermanentError):
    """What the request's If-Match or If-None-Match asks for does not hold."""


class RejectedInstanceError(PermanentError):
    """The object can never be indexed as it is; the message says why in words for its owner."""


class NotDicomError(RejectedInstanceError):
    """The bytes are not a DICOM file."""


class DamagedDicomError(RejectedInstanceError):
    """The bytes begin as a DICOM file, but cannot be read to the pixel data or to their end."""


class MissingAttributeError(RejectedInstanceError):
    """An identifying attribute is absent or empty."""


class InvalidAttributeError(RejectedInstanceError):
    """An identifying attribute has a value that cannot identify anything."""


class UnsupportedObjectError(RejectedInstanceError):
    """A valid DICOM file that is no composite instance (a DICOMDIR), or over a stated limit."""


class IdentifierLeftError(RejectedInstanceError):
    """A de-identified file would still hold an identifier of its patient, so it is not given out."""


class BurnedInPixelsError(RejectedInstanceError):
    """The pixels of a file may show who the patient is, and nothing tells which of them."""


class RiskTooHighError(RejectedInstanceError):
    """A file identifies its patient more plainly than this archive allows."""


class SettingsError(PermanentError):
    """A setting is missing, unknown or has no meaning."""


class NotConfiguredError(SettingsError):
    """What was asked for needs a setting that is not set; the message names it."""


class TransientError(AppError):
    """Trying again may help."""


class ObjectChangedError(TransientError):
    """The object was replaced while it was being read."""


class ConcurrentChangeError(TransientError):
    """Another writer changed the same rows, more often than this one tried again."""


class CaseBeingStoredError(TransientError):
    """The clinical case is just being stored; it will be there as a whole, or not at all."""


class BackendUnavailableError(TransientError):
    """A store, table or queue did not answer, or asked to slow down."""


class UpstreamUnavailableError(BackendUnavailableError):
    """The upstream service cannot be reached."""


class UpstreamTimeoutError(BackendUnavailableError):
    """The upstream service did not answer, or not go on, in time."""


class BadUpstreamAnswerError(BackendUnavailableError):
    """What the upstream service answered is no answer that can be passed on."""


class UpstreamLoginError(BackendUnavailableError):
    """The upstream service does not accept this app's credentials, or there are none; no client can help that."""


class SourceRefusedError(PermanentError):
    """An archive that is imported from refuses, or answers what cannot be understood; the message says which and how."""


class SourceUnavailableError(TransientError):
    """An archive that is imported from does not answer, breaks off or is too busy."""
