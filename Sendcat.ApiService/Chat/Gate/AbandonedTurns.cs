using Microsoft.Extensions.Options;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Replicas;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Redis;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>
/// Ends turns without a reader when no slot is free: a guest's turn at once, a signed-in user's turn after
/// <see cref="ChatOptions.DetachGraceFullMs"/>. Each call ends one turn, on whichever replica it runs. While slots are free, every turn
/// keeps its whole grace period.
/// </summary>
internal sealed class AbandonedTurns(
    TurnDirectory directory, TurnSignals signals, AdmissionController admission, IOptionsMonitor<ChatOptions> options, TimeProvider time)
{
    /// <summary>
    /// Minimum interval between a search of this replica that found nothing and the next one, so that a refusal stays cheap under overload.
    /// </summary>
    private static readonly TimeSpan MinimumInterval = TimeSpan.FromMilliseconds(50);

    private readonly Pause _guests = new();
    private readonly Pause _all = new();

    /// <summary>Ends one turn without a reader if that can free the slot that <paramref name="denied"/> lacks.</summary>
    /// <param name="slotClaim">The request's claim on a slot of the provider bulkhead.</param>
    /// <returns>True when a turn was ended: the caller may request admission again.</returns>
    public async ValueTask<bool> EndOneAsync(AdmissionDecision.Denied denied, Claim slotClaim, CancellationToken cancellationToken)
    {
        var guestsOnly = denied.Reason == AdmissionReason.GuestInFlight;
        var slotIsMissing = guestsOnly || denied.Reason == AdmissionReason.GlobalInFlight || ReferenceEquals(denied.By, slotClaim);
        var pause = guestsOnly ? _guests : _all;
        if (!slotIsMissing || denied.Local || pause.IsActive(time))
        {
            return false;
        }

        if (await directory.TakeAbandonedAsync(
            guestsOnly, TimeSpan.FromMilliseconds(options.CurrentValue.DetachGraceFullMs)) is not { } detached)
        {
            pause.Start(time);
            return false;
        }

        await signals.SupersedeAsync(detached.StreamId);
        await admission.ReleaseAsync(detached.Principal, StreamIds.Format(detached.StreamId), cancellationToken);
        return true;
    }

    private sealed class Pause
    {
        private long _since;

        public bool IsActive(TimeProvider time) =>
            Volatile.Read(ref _since) is not 0 and var startedAt && time.GetElapsedTime(startedAt) < MinimumInterval;

        public void Start(TimeProvider time) => Volatile.Write(ref _since, time.GetTimestamp());
    }
}
