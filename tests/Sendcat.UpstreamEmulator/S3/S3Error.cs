namespace Sendcat.UpstreamEmulator.S3;

/// <summary>An error response of S3.</summary>
internal sealed record S3Error(int Status, string Code, string Message)
{
    public static S3Error AccessDenied(string message) => new(403, "AccessDenied", message);

    public static S3Error MalformedAuthorization() =>
        new(400, "AuthorizationHeaderMalformed", "The authorization is malformed or names another region or service.");

    public static S3Error MalformedLink() =>
        new(400, "AuthorizationQueryParametersError", "The query parameters of the signature are not valid.");

    public static S3Error InvalidAccessKey() =>
        new(403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.");

    public static S3Error SignatureDoesNotMatch() =>
        new(
            403, "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your key and signing method.");

    public static S3Error TimeTooSkewed() =>
        new(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.");

    public static S3Error NoSuchBucket() => new(404, "NoSuchBucket", "The specified bucket does not exist");

    public static S3Error NoSuchKey() => new(404, "NoSuchKey", "The specified key does not exist.");

    public static S3Error MissingLength() => new(411, "MissingContentLength", "You must provide the Content-Length HTTP header.");

    public static S3Error PayloadMismatch() =>
        new(400, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.");

    public static S3Error NotImplemented() =>
        new(501, "NotImplemented", "A header you provided implies functionality that is not implemented.");

    public static S3Error Of(int status, string? message) => new(
        status, status switch { 403 => "AccessDenied", 503 => "SlowDown", _ => "InternalError" },
        message ?? "We encountered an internal error. Please try again.");
}
