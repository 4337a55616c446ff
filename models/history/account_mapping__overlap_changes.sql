{{ config(enabled=var('account_mapping__history')) }}
with

overlap_history as (

    select * from {{ ref('account_mapping__overlap_history') }}

),

last_run as (

    select max(valid_from) as last_run_on
    from {{ ref('int_account_mapping__history') }}
    where record = 'run'

),

final as (

    select
        partner_id,
        account_id,
        partner_account_id,
        valid_from as changed_on,
        change,
        changed_facts,
        our_status,
        partner_status,
        previous_our_status,
        previous_partner_status,
        is_primary,
        our_open_amount,
        valid_from = last_run_on as is_latest_run

    from overlap_history
    cross join last_run

    union all

    select
        partner_id,
        account_id,
        partner_account_id,
        valid_to as changed_on,
        'left' as change,
        cast(null as {{ dbt.type_string() }}) as changed_facts,
        cast(null as {{ dbt.type_string() }}) as our_status,
        cast(null as {{ dbt.type_string() }}) as partner_status,
        our_status as previous_our_status,
        partner_status as previous_partner_status,
        is_primary,
        our_open_amount,
        valid_to = last_run_on as is_latest_run

    from overlap_history
    cross join last_run
    where has_left

)

select * from final
