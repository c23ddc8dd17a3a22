namespace Sendcat.ApiService.Http;

/// <summary>
/// Values of <c>x-sendcat-error-reason</c> that no other part defines. Further values are the reasons of admission, the names of rate limit
/// buckets, and the names of <see cref="RequestBudget"/>.
/// </summary>
internal static class RefusalReason
{
    /// <summary>Postgres does not respond.</summary>
    public const string StoreUnavailable = "store_unavailable";

    /// <summary>Other requests or jobs change the same rows, and take too long.</summary>
    public const string RowsLocked = "rows_locked";

    /// <summary>The file store does not respond.</summary>
    public const string FilesUnavailable = "files_unavailable";

    /// <summary>Redis does not respond.</summary>
    public const string RedisUnavailable = "redis_unavailable";

    /// <summary>Every route to a model is suspended.</summary>
    public const string RouteSuspended = "route_suspended";

    /// <summary>An operator has isolated the routes to a model.</summary>
    public const string RouteIsolated = "route_isolated";

    /// <summary>A budget of money applies, and the price of the model is unknown.</summary>
    public const string PriceUnknown = "model_price_unknown";

    /// <summary>An operator has drained the replica; another one takes the request.</summary>
    public const string ReplicaDrained = "replica_drained";

    /// <summary>The repeated message has no answer, and later messages follow it.</summary>
    public const string NoAnswer = "no_answer";

    /// <summary>The request is a late repetition of one whose message was edited since.</summary>
    public const string MessageEdited = "message_edited";

    /// <summary>The request is a late repetition of a regeneration whose answer was replaced since.</summary>
    public const string AnswerReplaced = "answer_replaced";

    /// <summary>The running turn has as many readers as it may have.</summary>
    public const string TurnReaders = "turn_readers";

    /// <summary>The principal, its address or the replica has as many event streams of threads as it may have.</summary>
    public const string ThreadEventReaders = "thread_event_readers";

    /// <summary>Too many messages with large files are being received.</summary>
    public const string LargeMessages = "large_messages";

    /// <summary>Too many passwords are being checked at the same time.</summary>
    public const string PasswordHashes = "password_hashes";

    /// <summary>Google has not verified the address of the account.</summary>
    public const string AddressUnverified = "address_unverified";

    /// <summary>An account of the address exists: the user signs in to it and links Google.</summary>
    public const string LinkRequired = "link_required";

    /// <summary>The account has no other way to sign in.</summary>
    public const string LastSignIn = "last_sign_in";

    /// <summary>The account is linked to another Google account.</summary>
    public const string OtherGoogleAccount = "other_google_account";

    /// <summary>The shop does not respond.</summary>
    public const string ShopUnavailable = "shop_unavailable";

    /// <summary>The operator has not set up what the route needs.</summary>
    public const string NotConfigured = "not_configured";

    /// <summary>The keys that sign Google's tokens cannot be read.</summary>
    public const string KeysUnavailable = "keys_unavailable";

    /// <summary>No worker received the request.</summary>
    public const string NoWorker = "no_worker";

    /// <summary>The quota of messages of a thread.</summary>
    public const string Messages = "messages";

    /// <summary>The quota of pre-alerts of a user.</summary>
    public const string PreAlerts = "pre_alerts";

    /// <summary>The warehouse has received the parcel.</summary>
    public const string ParcelReceived = "parcel_received";

    /// <summary>The quota of threads of a principal.</summary>
    public const string Threads = "threads";

    /// <summary>The quota of bytes of a principal.</summary>
    public const string Bytes = "bytes";
}
