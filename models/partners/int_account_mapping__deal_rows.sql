with

staged as (

    select * from {{ ref('stg_account_mapping__partner_deals') }}

),

partners as (

    select * from {{ ref('stg_account_mapping__settings_partners') }}

),

partner_records as (

    select * from {{ ref('int_account_mapping__partner_records') }}
    where is_readable

),

checked as (

    select
        staged.*,
        case
            when staged.partner_id is null then 'missing_partner_id'
            when partners.partner_id is null then 'unknown_partner'
            when not partners.is_active then 'inactive_partner'
            when partners.exchange <> 'list' then 'readable_rows_of_hashed_partner'
            when staged.deal_id is null then 'missing_deal_id'
            when {{ account_mapping.id_lost_digits('staged.deal_id', is_clean=true) }} then 'deal_id_lost_digits'
            when staged.account_id is null then 'deal_without_account'
            when partner_records.account_id is null then 'deal_of_unknown_account'
        end as row_problem

    from staged
    left join partners
        on staged.partner_id = partners.partner_id
    left join partner_records
        on
            staged.partner_id = partner_records.partner_id
            and staged.account_id = partner_records.account_id

),

ranked as (

    {{ account_mapping.ranked_records('checked', ['partner_id', 'deal_id'], [
        'account_id', 'stage', 'raw_is_won', 'opened_on', 'closed_on', 'amount', 'currency', 'notes',
    ]) | indent(4) }}

),

final as (

    select
        *,
        case
            when row_problem is not null then row_problem
            when record_state = 'older' then 'duplicate_deal_id'
        end as problem

    from ranked

)

select * from final
