using Microsoft.Extensions.Options;
using Sendcat.Reliability.Admission;
using Sendcat.Reliability.Redis;

namespace Sendcat.ApiService.Chat;

/// <summary>
/// Turns that nobody reads make room when slots are wanted: a guest's at once, a signed-in user's when its reader has been gone for a while. One ends for each request that was refused, on whichever replica
/// it runs; while there is room, all of them have their whole grace.
/// </summary>
internal sealed class AbandonedTurns(TurnDirectory directory, TurnSignals signals, AdmissionController admission, IOptionsMonitor<ChatOptions> options, TimeProvider time)
{
    /// <summary>Where nothing was found, nobody of this replica looks for so long: under overload a refusal must stay cheap.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private readonly Pause guests = new();
    private readonly Pause all = new();

    /// <param name="place">The claim on a slot of the route, which came along with the request.</param>
    /// <returns>True when one has ended: the refused request may be decided again.</returns>
    public async ValueTask<bool> EndOneAsync(AdmissionDecision.Denied denied, Claim place, CancellationToken cancellationToken)
    {
        var guestsOnly = denied.Reason == AdmissionReason.GuestInFlight;
        var wanted = guestsOnly || denied.Reason == AdmissionReason.GlobalInFlight || ReferenceEquals(denied.By, place);
        var pause = guestsOnly ? guests : all;
        if (!wanted || denied.Local || pause.Holds(time))
        {
            return false;
        }

        if (await directory.TakeAbandonedAsync(guestsOnly, TimeSpan.FromMilliseconds(options.CurrentValue.DetachGraceFullMs)) is not { } left)
        {
            pause.Begin(time);
            return false;
        }

        await signals.SupersedeAsync(left.StreamId);
        await admission.ReleaseAsync(left.Principal, StreamIds.Format(left.StreamId), cancellationToken);
        return true;
    }

    private sealed class Pause
    {
        private long since;

        public bool Holds(TimeProvider time) => Volatile.Read(ref since) is not 0 and var began && time.GetElapsedTime(began) < Interval;

        public void Begin(TimeProvider time) => Volatile.Write(ref since, time.GetTimestamp());
    }
}
