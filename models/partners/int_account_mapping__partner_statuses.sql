with

partner_records as (

    select * from {{ ref('int_account_mapping__partner_records') }}

),

status_rules as (

    select * from {{ ref('stg_account_mapping__settings_status_rules') }}
    where field = 'status'

),

raw_statuses as (

    select
        partner_id,
        account_id,
        lower(trim(status)) as raw_value

    from partner_records

),

ruled as (

    select
        raw_statuses.*,
        -- the rule of this partner, else of all partners, else the standard word itself
        coalesce(
            own_rules.status,
            common_rules.status,
            case
                when
                    raw_statuses.raw_value in (
                        'customer', 'open_opportunity', 'churned', 'prospect', 'not_shared', 'excluded'
                    )
                    then raw_statuses.raw_value
            end
        ) as status

    from raw_statuses
    left join status_rules as own_rules
        on
            raw_statuses.partner_id = own_rules.source_system
            and raw_statuses.raw_value = own_rules.raw_value
    left join status_rules as common_rules
        on
            common_rules.source_system = 'partner'
            and raw_statuses.raw_value = common_rules.raw_value

),

final as (

    select
        partner_id,
        account_id,
        raw_value,
        case
            when status is null or status = 'excluded' then 'not_shared'
            else status
        end as status,
        coalesce(status = 'excluded', false) as is_excluded_by_rule,
        raw_value is not null and status is null as is_unknown

    from ruled

)

select * from final
