{{ config(enabled=var('account_mapping__history')) }}
with

history as (

    select * from {{ ref('int_account_mapping__history') }}

),

alert_rules as (

    select * from {{ ref('stg_account_mapping__settings_alert_rules') }}
    where kind = 'coverage_drop'

),

run_days as (

    select distinct valid_from as run_on
    from history
    where record = 'run'

),

runs as (

    select
        run_on,
        lag(run_on) over (order by run_on) as previous_run_on

    from run_days

),

-- only what can still be news is counted
recent_runs as (

    select
        runs.run_on,
        runs.previous_run_on

    from runs
    inner join alert_rules
        on {{ dbt.datediff(
            'runs.run_on', account_mapping.as_of(), 'day'
        ) }} between 0 and alert_rules.days
    where runs.previous_run_on is not null

),

shared_accounts as (

    select
        partner_id,
        account_id,
        valid_from,
        valid_to

    from history
    where
        record = 'overlap'
        and (valid_to is null or valid_to > valid_from)

),

counted as (

    select
        shared_accounts.partner_id,
        recent_runs.run_on,
        recent_runs.previous_run_on,
        count(distinct case
            when
                shared_accounts.valid_from <= recent_runs.previous_run_on
                and (shared_accounts.valid_to is null or shared_accounts.valid_to > recent_runs.previous_run_on)
                then shared_accounts.account_id
        end) as accounts_before,
        count(distinct case
            when
                shared_accounts.valid_from <= recent_runs.run_on
                and (shared_accounts.valid_to is null or shared_accounts.valid_to > recent_runs.run_on)
                then shared_accounts.account_id
        end) as accounts_now

    from shared_accounts
    cross join recent_runs
    group by shared_accounts.partner_id, recent_runs.run_on, recent_runs.previous_run_on

),

final as (

    select
        partner_id,
        run_on,
        previous_run_on,
        accounts_before,
        accounts_now,
        -- whole numbers: a drop of 9.9 percent does not reach 10
        cast(
            (
                (accounts_before - accounts_now) * 100
                - mod((accounts_before - accounts_now) * 100, accounts_before)
            ) / accounts_before as bigint
        ) as percent_fewer

    from counted
    where accounts_now < accounts_before

)

select * from final
