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
        overlap_history.partner_id,
        overlap_history.account_id,
        overlap_history.partner_account_id,
        overlap_history.partner_name,
        overlap_history.partner_type,
        overlap_history.tier,
        overlap_history.valid_from as changed_on,
        overlap_history.change,
        overlap_history.changed_facts,
        overlap_history.our_status,
        overlap_history.partner_status,
        overlap_history.previous_our_status,
        overlap_history.previous_partner_status,
        overlap_history.is_primary,
        overlap_history.our_open_amount,
        overlap_history.valid_from = last_run.last_run_on as is_latest_run

    from overlap_history
    cross join last_run

    union all

    select
        overlap_history.partner_id,
        overlap_history.account_id,
        overlap_history.partner_account_id,
        overlap_history.partner_name,
        overlap_history.partner_type,
        overlap_history.tier,
        overlap_history.valid_to as changed_on,
        'left' as change,
        cast(null as {{ dbt.type_string() }}) as changed_facts,
        cast(null as {{ dbt.type_string() }}) as our_status,
        cast(null as {{ dbt.type_string() }}) as partner_status,
        overlap_history.our_status as previous_our_status,
        overlap_history.partner_status as previous_partner_status,
        overlap_history.is_primary,
        overlap_history.our_open_amount,
        overlap_history.valid_to = last_run.last_run_on as is_latest_run

    from overlap_history
    cross join last_run
    where overlap_history.has_left

)

select * from final
