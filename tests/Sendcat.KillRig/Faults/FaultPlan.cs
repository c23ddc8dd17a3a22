namespace Sendcat.KillRig.Faults;

/// <summary>Generates the faults of a seed as an endless sequence. It begins with <see cref="Essential"/> in a random order.</summary>
internal static class FaultPlan
{
    /// <summary>The faults that each run injects at least once.</summary>
    public static readonly IReadOnlyList<(Victim Victim, Harm Harm)> Essential =
    [
        (Victim.Worker, Harm.Killed), (Victim.Worker, Harm.Paused), (Victim.Submitter, Harm.Killed), (Victim.Api, Harm.Killed),
        (Victim.Broker, Harm.Killed), (Victim.Broker, Harm.QueuesDeleted), (Victim.Redis, Harm.Killed), (Victim.Postgres, Harm.Killed),
    ];

    /// <summary>The faults after the essential ones, with their weights.</summary>
    private static readonly (Victim Victim, Harm Harm, int Weight)[] Further =
    [
        (Victim.Worker, Harm.Killed, 5), (Victim.Worker, Harm.Paused, 4), (Victim.Worker, Harm.Restarted, 2),
        (Victim.Submitter, Harm.Killed, 2), (Victim.Submitter, Harm.Paused, 2), (Victim.Submitter, Harm.Restarted, 1),
        (Victim.Api, Harm.Killed, 2), (Victim.Api, Harm.Paused, 1), (Victim.Api, Harm.Restarted, 1),
        (Victim.Broker, Harm.Killed, 2), (Victim.Broker, Harm.Paused, 2), (Victim.Broker, Harm.Restarted, 1),
        (Victim.Redis, Harm.Killed, 2), (Victim.Redis, Harm.Paused, 2), (Victim.Redis, Harm.Restarted, 1),
        (Victim.Postgres, Harm.Killed, 3), (Victim.Postgres, Harm.Paused, 2), (Victim.Postgres, Harm.Restarted, 1),
    ];

    public static IEnumerable<Fault> Of(int seed, int workers, int submitters, int replicas, TimeSpan lease)
    {
        var random = new Random(seed);
        var essential = Essential.ToArray();
        random.Shuffle(essential);
        foreach (var (victim, harm) in essential)
        {
            // One kill interrupts a job while no other fault is active, so that the time until the job runs again can be measured.
            var watched = (victim, harm) is (Victim.Worker, Harm.Killed);
            yield return Draw(victim, harm, watched) with { WhileBusy = watched };
        }

        while (true)
        {
            var (victim, harm) = Pick(random.Next(Further.Sum(it => it.Weight)));
            yield return Draw(victim, harm, watched: (victim, harm) is (Victim.Worker, Harm.Killed) && random.Next(2) == 0);
        }

        Fault Draw(Victim victim, Harm harm, bool watched)
        {
            var index = victim switch
            {
                Victim.Worker => random.Next(workers),
                Victim.Submitter => random.Next(submitters),
                Victim.Api => random.Next(replicas),
                _ => 0,
            };
            var gap = Seconds(0.5, 3);
            var hold = harm switch
            {
                // Longer than the lease, so that other workers have taken the jobs when the worker continues.
                Harm.Paused when victim is Victim.Worker or Victim.Postgres => lease + Seconds(1.2, 4),
                Harm.Paused => Seconds(1, 9),
                Harm.Killed => Seconds(0, 2),
                _ => TimeSpan.Zero,
            };
            return new(victim, index, harm, gap, hold, Overlaps: !watched && random.Next(4) == 0, watched);
        }

        TimeSpan Seconds(double from, double to) =>
            TimeSpan.FromMilliseconds(Math.Round(1000 * (from + (random.NextDouble() * (to - from)))));
    }

    /// <param name="number">A random number below the sum of the weights.</param>
    private static (Victim Victim, Harm Harm) Pick(int number)
    {
        foreach (var (victim, harm, weight) in Further)
        {
            if ((number -= weight) < 0)
            {
                return (victim, harm);
            }
        }

        throw new ArgumentOutOfRangeException(nameof(number));
    }
}
