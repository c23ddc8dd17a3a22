using Sendcat.Reliability.Alerts;
using Sendcat.Reliability.Database;
using Sendcat.Reliability.Timing;

namespace Sendcat.Monitor.Alerts;

/// <summary>
/// Judges the rules every 15 s while this Monitor leads: reads the facts, decides which alerts begin and end, stores that with the messages
/// that it causes, and sends the messages that are due. A message that fails is sent again in a later round.
/// </summary>
internal sealed class AlertWatcher(
    AlertFactsReader reader, AlertLedger ledger, IEnumerable<IAlertChannel> channels, TimeProvider clock, ILogger<AlertWatcher> logger)
    : BackgroundService
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    /// <summary>
    /// After this time no further message is sent in a round. Receivers that do not respond must delay neither the next round nor the
    /// renewal of the lead: another Monitor would take over, and send the same messages.
    /// </summary>
    private static readonly TimeSpan SendingTime = TimeSpan.FromSeconds(10);

    private readonly IReadOnlyList<IAlertChannel> _channels = [.. channels];
    private IReadOnlyDictionary<AlertKey, DateTimeOffset> _pending = new Dictionary<AlertKey, DateTimeOffset>();

    /// <summary>One round.</summary>
    /// <returns>False: another Monitor leads.</returns>
    public async Task<bool> JudgeOnceAsync(CancellationToken cancellationToken)
    {
        if (await ledger.OpenAsync(cancellationToken) is not { } store)
        {
            return false;
        }

        var facts = await reader.ReadAsync(cancellationToken);
        return await JudgeAsync(store, facts, cancellationToken);
    }

    /// <summary>Also lets another Monitor lead.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await ledger.CloseAsync(cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        new BackgroundLoop("Judging of alerts", logger, clock).EveryAsync(Interval, JudgeOnceAsync, stoppingToken);

    private async Task<bool> JudgeAsync(IAlertStore store, AlertFacts facts, CancellationToken cancellationToken)
    {
        try
        {
            if (!await CommitAsync(store, facts, cancellationToken))
            {
                return false;
            }
        }
        catch (Exception failure) when (PostgresFailure.Is(failure) && store is AlertStore)
        {
            if (ledger.Without(failure) is not { } memory)
            {
                return false;
            }

            store = memory;
            await CommitAsync(memory, facts, cancellationToken);
        }

        try
        {
            await SendDueAsync(store, cancellationToken);
        }
        catch (Exception failure) when (PostgresFailure.Is(failure) && store is AlertStore)
        {
            // The changes are stored: to judge them again would send them twice. The message whose end could not be stored is sent again
            // under its id.
            ledger.Without(failure);
        }

        return true;
    }

    /// <returns>False: another Monitor leads.</returns>
    private async Task<bool> CommitAsync(IAlertStore store, AlertFacts facts, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var known = await ledger.KnownAsync(store, cancellationToken);
        var step = AlertBook.Step(known, _pending, AlertRules.Judge(facts, AlertPolicy.Default), now);
        if (!await store.CommitAsync(step.Changes, ChannelsOf, now, cancellationToken))
        {
            return false;
        }

        _pending = step.Pending;
        foreach (var change in step.Changes)
        {
            Log(change);
        }

        return true;
    }

    private async Task SendDueAsync(IAlertStore store, CancellationToken cancellationToken)
    {
        // For the next round, should it be one without Postgres.
        await ledger.KnownAsync(store, cancellationToken);
        var began = clock.GetTimestamp();
        foreach (var notice in await store.DueAsync(clock.GetUtcNow(), cancellationToken))
        {
            await SendAsync(store, notice, cancellationToken);
            if (clock.GetElapsedTime(began) >= SendingTime)
            {
                break;
            }
        }
    }

    private async Task SendAsync(IAlertStore store, AlertNotice notice, CancellationToken cancellationToken)
    {
        // A channel that is no longer configured gets nothing, and the message ends with its lifetime.
        var failure = _channels.FirstOrDefault(channel => channel.Name == notice.Channel) is { } channel
            ? await channel.SendAsync(notice, cancellationToken)
            : "The channel is not configured.";
        if (failure is not null && notice.Attempts == 0)
        {
            logger.NotSent(notice.Alert.Kind, notice.Channel, failure);
        }

        await store.EndAsync(notice, failure, clock.GetUtcNow(), cancellationToken);
    }

    private void Log(AlertChange change)
    {
        if (change.Event is AlertEvent.Raised or AlertEvent.Reopened)
        {
            logger.AlertRaised(change.Key.Kind, change.Key.Subject, change.Cause, change.Playbook);
        }
        else if (change.Event is AlertEvent.Resolved)
        {
            logger.AlertResolved(change.Key.Kind, change.Key.Subject);
        }
    }

    private IReadOnlyList<string> ChannelsOf(string kind, AlertEvent happened) =>
        [.. _channels.Where(channel => channel.Takes(kind, happened)).Select(channel => channel.Name)];
}
