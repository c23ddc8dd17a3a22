namespace Sendcat.Integrations.Orders;

/// <summary>What the user says about a draft.</summary>
public enum DraftStatus
{
    /// <summary>Nothing yet.</summary>
    Draft,

    /// <summary>It is the user's order, and its parcels are announced.</summary>
    Confirmed,

    /// <summary>It is not. Later evidence about it changes neither this nor announces parcels.</summary>
    Rejected,
}

/// <summary>The names of the states of drafts and pre-alerts in the database and the API.</summary>
public static class DraftStatuses
{
    public static readonly IReadOnlyList<string> All = ["draft", "confirmed", "rejected"];

    /// <summary>A pre-alert is <c>submitted</c> as soon as it is confirmed.</summary>
    public static readonly IReadOnlyList<string> OfPreAlerts = ["draft", "confirmed", "submitted", "rejected"];

    public static string Name(this DraftStatus status) => status switch
    {
        DraftStatus.Draft => "draft",
        DraftStatus.Confirmed => "confirmed",
        DraftStatus.Rejected => "rejected",
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "Unknown status of a draft."),
    };

    public static DraftStatus Of(string name) => name switch
    {
        "draft" => DraftStatus.Draft,
        "confirmed" => DraftStatus.Confirmed,
        "rejected" => DraftStatus.Rejected,
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "Unknown status of a draft."),
    };
}
