namespace Sendcat.UpstreamEmulator.Rest;

/// <summary>
/// The settings of the response to one request of a JSON upstream: the defaults, changed by the standing directions and then by the markers
/// of the query. Times are in milliseconds unless the name says seconds, sizes in bytes. The README describes each setting.
/// </summary>
internal sealed class RestDirections
{
    // Refusal
    public int? Status { get; set; }

    public int? RetryAfterSeconds { get; set; }

    public int? RetryAfterDateSeconds { get; set; }

    public string? Message { get; set; }

    // Pace
    public int HeadersMs { get; set; }

    public int EveryMs { get; set; }

    public int Pieces { get; set; } = 1;

    // Faults
    public RestHang Hang { get; set; }

    public RestCut Cut { get; set; }

    public RestBody Body { get; set; }

    public int GiantBytes { get; set; }

    // Results
    public int? Results { get; set; }

    public int Junk { get; set; }

    public int Hostile { get; set; }

    // Only for eBay
    public int? ExpiresInMs { get; set; }

    public int? Uses { get; set; }

    public int Edition { get; set; } = 1;

    public int Leaves { get; set; }

    // Only for Google's ID tokens
    public IdTokenFault IdToken { get; set; }

    public string? Issuer { get; set; }

    public string? Subject { get; set; }

    public string? HostedDomain { get; set; }

    public bool Unverified { get; set; }

    // Only for Google's tokens and Gmail
    public bool NoRefresh { get; set; }

    public int? HistoryGoneAfter { get; set; }

    public bool RepeatPage { get; set; }

    public bool Shuffle { get; set; }

    public int Duplicates { get; set; }
}

internal enum RestHang
{
    None,
    BeforeHeaders,
    Mid,
}

internal enum RestCut
{
    None,
    Rst,
    Fin,
}

internal enum RestBody
{
    Json,
    Html,
    Empty,
    BadJson,
    OtherJson,
}

internal enum IdTokenFault
{
    None,
    Missing,
    WrongNonce,
    NoNonce,
    Expired,
    Future,
    WrongAudience,
    WrongAzp,
    WrongIssuer,
    OtherKey,
    BadSignature,
    Hs256,
    NoSignature,
}
