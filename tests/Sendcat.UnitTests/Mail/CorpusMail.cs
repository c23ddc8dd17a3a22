using System.Text.Json;
using System.Text.Json.Nodes;
using Sendcat.UnitTests.Architecture;

namespace Sendcat.UnitTests.Mail;

/// <summary>A mail of the corpus and what a person reads in it.</summary>
public sealed record CorpusMail(string Name, byte[] Raw, CorpusOutcome Outcome)
{
    private static readonly JsonSerializerOptions Json = new(
        JsonSerializerDefaults.Web) { UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow };

    public bool IsHostile => Name.StartsWith("hostile-", StringComparison.Ordinal);

    /// <summary>The mails of one half: <c>development</c> or <c>held-out</c>.</summary>
    public static IReadOnlyList<CorpusMail> Load(string part) =>
    [
        .. Directory.EnumerateFiles(Path.Combine(Repository.Root, "tests", "Sendcat.UnitTests", "Mail", "Corpus", part), "*.eml")
            .Order(StringComparer.Ordinal)
            .Select(file => new CorpusMail(
                Path.GetFileNameWithoutExtension(file), File.ReadAllBytes(file),
                JsonSerializer.Deserialize<CorpusOutcome>(File.ReadAllText(Path.ChangeExtension(file, ".json")), Json)!)),
    ];

    public override string ToString() => Name;
}

/// <summary>The expected outcome of a mail.</summary>
/// <param name="Kind">What the mail is about.</param>
/// <param name="Orders">Its orders.</param>
/// <param name="Trust">What can be known about the sender; null: not checked.</param>
/// <param name="PreAlert">Whether its parcels may be announced without a person; null: not checked.</param>
/// <param name="Ambiguous">Tracking numbers whose carrier cannot be known.</param>
/// <param name="Model">What a model answers that reads the mail, inventions included; null: nothing is in the mail for a model.</param>
/// <param name="Note">Why the outcome is so.</param>
public sealed record CorpusOutcome(
    string Kind, IReadOnlyList<CorpusOrder> Orders, string? Trust = null, bool? PreAlert = null, IReadOnlyList<string>? Ambiguous = null,
    JsonNode? Model = null, string? Note = null);

/// <summary>An order of a mail.</summary>
public sealed record CorpusOrder(
    string? OrderNumber, decimal? Total, string? Currency, IReadOnlyList<string> Tracking, string? Merchant = null);
