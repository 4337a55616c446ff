{#- A clean room has no statements: what came is what both let leave. -#}
{%- set has_statements = 'false' if account_mapping.uses_crm('shared_keys') else 'true' -%}
with

partner_records as (

    select * from {{ ref('int_account_mapping__partner_records') }}

),

status_rules as (

    select * from {{ ref('stg_account_mapping__settings_status_rules') }}
    where field = 'status'

),

-- hashed keys may tell a status only if every cell that lets them come allows it, or none does and they are counted:
-- the rule by which ours tell their own
agreed_statuses as (

    select
        partner_id,
        partner_status as status

    from {{ ref('int_account_mapping__agreements_in_force') }}
    where
        direction = 'in'
        and sharing_level <> 'hidden'
    group by partner_id, partner_status
    having
        min(
            case
                when sharing_level = 'counts' then 1
                when ';' || shared_fields || ';' like '%;status;%' then 1
                else 0
            end
        ) = 1

),

raw_statuses as (

    select
        partner_id,
        account_id,
        is_readable,
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

judged as (

    select
        ruled.*,
        {{ has_statements }}
        and not ruled.is_readable
        and ruled.status not in ('excluded', 'not_shared')
        and agreed_statuses.partner_id is null as is_not_agreed

    from ruled
    left join agreed_statuses
        on
            ruled.partner_id = agreed_statuses.partner_id
            and ruled.status = agreed_statuses.status

),

final as (

    select
        partner_id,
        account_id,
        raw_value,
        case
            when status is null or status = 'excluded' or is_not_agreed then 'not_shared'
            else status
        end as status,
        coalesce(status = 'excluded', false) as is_excluded_by_rule,
        raw_value is not null and status is null as is_unknown,
        coalesce(is_not_agreed, false) as is_not_agreed

    from judged

)

select * from final
