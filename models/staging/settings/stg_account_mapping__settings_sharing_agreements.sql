{#- Dates and numbers are read as text first: one that cannot be read must not pass for one that is left open. -#}
{%- set values = [
    'direction', 'our_status', 'partner_status', 'sharing_level', 'shared_fields', 'minimum_count', 'valid_from',
    'valid_until', 'is_readable',
] -%}
with

source as (

    {{ account_mapping.setting('account_mapping__sharing_agreements', required={
        'partner_id': dbt.type_string(),
        'direction': dbt.type_string(),
        'our_status': dbt.type_string(),
        'partner_status': dbt.type_string(),
        'level': dbt.type_string(),
        'fields': dbt.type_string(),
    }, optional={
        'minimum_count': dbt.type_string(),
        'valid_from': dbt.type_string(),
        'valid_until': dbt.type_string(),
    }) }}

),

partners as (

    select * from {{ ref('stg_account_mapping__settings_partners') }}

),

renamed as (

    select
        ---------- ids
        partner_id,

        ---------- text
        lower(direction) as direction,
        coalesce(lower(our_status), '*') as our_status,
        coalesce(lower(partner_status), '*') as partner_status,
        lower(level) as sharing_level,
        lower(fields) as shared_fields,

        ---------- numerics
        {{ account_mapping.to_integer('minimum_count') }} as minimum_count,

        ---------- dates
        {{ account_mapping.to_date('valid_from') }} as valid_from,
        {{ account_mapping.to_date('valid_until') }} as valid_until,

        ---------- flags
        (minimum_count is null or {{ account_mapping.to_integer('minimum_count') }} is not null)
        and (valid_from is null or {{ account_mapping.to_date('valid_from') }} is not null)
        and (valid_until is null or {{ account_mapping.to_date('valid_until') }} is not null)
        and coalesce(lower(direction) in ('offered', 'accepted'), false)
        and coalesce(lower(level) in ('hidden', 'counts', 'overlapping', 'all'), false)
        and coalesce(
            lower(our_status) in ('*', 'customer', 'open_opportunity', 'churned', 'prospect'), true
        )
        and coalesce(
            lower(partner_status) in ('*', 'customer', 'open_opportunity', 'churned', 'prospect', 'not_shared'),
            true
        ) as is_readable

    from source

),

-- a rule for each partner that it names; one that names nobody stays, and is a data issue
named as (

    select
        {% for column in values -%}
        renamed.{{ column }},
        {% endfor -%}
        coalesce(partners.partner_id, renamed.partner_id) as partner_id,
        coalesce(partners.partner_id <> renamed.partner_id, false) as is_of_group

    from renamed
    left join partners
        on
            renamed.partner_id = partners.partner_id
            or lower(renamed.partner_id) in ('tier:' || lower(partners.tier), 'type:' || lower(partners.partner_type))

),

partners_with_own_rules as (

    select distinct
        partner_id,
        direction

    from named
    where not is_of_group

),

-- a partner's own rules replace those of its tier and type, whatever their days. A rule that hides stays, and so does
-- one that cannot be read: what it was to say is not known
applied as (

    select named.*
    from named
    left join partners_with_own_rules
        on
            named.partner_id = partners_with_own_rules.partner_id
            and named.direction = partners_with_own_rules.direction
    where
        not named.is_of_group
        or partners_with_own_rules.partner_id is null
        or named.sharing_level = 'hidden'
        or not named.is_readable

),

hidden_by_group as (

    select * from applied
    where
        is_of_group
        and sharing_level = 'hidden'

),

-- what a tier or type hides is hidden under each rule that would open it, however specific that is
hidden_below as (

    select
        hidden_by_group.partner_id,
        hidden_by_group.direction,
        {% for side in ['our', 'partner'] -%}
        case
            when hidden_by_group.{{ side }}_status = '*' then applied.{{ side }}_status
            else hidden_by_group.{{ side }}_status
        end as {{ side }}_status,
        {% endfor -%}
        hidden_by_group.sharing_level,
        hidden_by_group.shared_fields,
        hidden_by_group.minimum_count,
        hidden_by_group.valid_from,
        hidden_by_group.valid_until,
        hidden_by_group.is_readable

    from hidden_by_group
    inner join applied
        on
            hidden_by_group.partner_id = applied.partner_id
            and hidden_by_group.direction = applied.direction
            and (hidden_by_group.our_status in ('*', applied.our_status) or applied.our_status = '*')
            and (hidden_by_group.partner_status in ('*', applied.partner_status) or applied.partner_status = '*')
    where applied.sharing_level <> 'hidden'

),

final as (

    select
        partner_id,
        {{ values | join(',\n        ') }}

    from applied

    union

    select
        partner_id,
        {{ values | join(',\n        ') }}

    from hidden_below

)

select * from final
