using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Replicas;
using Sendcat.ApiService.Identity;
using Sendcat.Reliability.Admission;

namespace Sendcat.ApiService.Chat.Gate;

/// <param name="AcceptedAt">Timestamp, see <see cref="TurnStart.AcceptedAt"/>.</param>
internal sealed record ChatCall(ChatRequest Request, Principal Principal, long AcceptedAt);

/// <summary>The result of the checks of a chat request.</summary>
internal abstract record ChatEntry(ChatRequest Request, ThreadHistory Thread);

/// <summary>Everything that a turn needs to start.</summary>
/// <param name="Replaced">
/// Running turns that have to end, because the new one replaces an answer or edits its message; the newest first.
/// </param>
/// <param name="Ticket">
/// Disposed by <see cref="LiveTurns"/> when the turn has ended, or by <see cref="TurnStarter"/> if the turn does not begin.
/// </param>
/// <param name="Model">The model id; null: the operator's default model.</param>
/// <param name="HeldRoute">The route of which the ticket holds a slot.</param>
/// <param name="Charge">Of a thread that the request begins; <see cref="TurnStarter"/> withdraws it if the turn does not begin.</param>
internal sealed record ChatPass(
    ChatRequest Request, Principal Principal, ThreadHistory Thread, TurnPlan.Start Plan, IReadOnlyList<RunningTurn> Replaced, Guid StreamId,
    AdmissionTicket Ticket, string? Model, string HeldRoute, ThreadCharge? Charge) : ChatEntry(Request, Thread)
{
    /// <summary>The key of the client's address.</summary>
    public required string Address { get; init; }
}

/// <summary>The request repeats another one. It needs no slot and counts against no limit but that of its address.</summary>
/// <param name="Plan">A <see cref="TurnPlan.Join"/> or a <see cref="TurnPlan.Replay"/>.</param>
internal sealed record ChatRepeat(ChatRequest Request, ThreadHistory Thread, TurnPlan Plan) : ChatEntry(Request, Thread);
