using Sendcat.Reliability.Circuits;
using Sendcat.Reliability.ToolJobs.Ledger;

namespace Sendcat.ApiService.Turns;

/// <summary>All that is known of a turn now.</summary>
/// <param name="Jobs">The jobs of its tool calls that still exist.</param>
/// <param name="Positions">How many due jobs of its lane are before each queued job.</param>
/// <param name="UnreadSince">Since when a running turn has had no reader; null: it has one, or the time is unknown.</param>
/// <param name="Circuits">The circuits as this replica sees them.</param>
internal sealed record TurnFacts(
    StoredTurn Turn, IReadOnlyDictionary<Guid, ToolJobRow> Jobs, IReadOnlyDictionary<Guid, int> Positions, DateTimeOffset? UnreadSince,
    IReadOnlyList<CircuitReading> Circuits, DateTimeOffset Now);
