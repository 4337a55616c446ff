{#- A view: hashed addresses stay in the table in which the partner's keys arrived. -#}
{{ config(materialized='view') }}

with

partner_keys as (

    select * from {{ ref('stg_account_mapping__partner_keys') }}
    where key_type = 'person'

),

partners as (

    select * from {{ ref('stg_account_mapping__settings_partners') }}

),

-- partners that may send them
agreed as (

    select distinct partner_id
    from {{ ref('int_account_mapping__agreements_in_force') }}
    where
        direction = 'in'
        and sharing_level in ('overlapping', 'all')
        and ';' || shared_fields || ';' like '%;person;%'

),

final as (

    select
        'partner' as side,
        partner_keys.partner_id,
        partner_keys.account_token,
        partner_keys.token,
        coalesce(
            {{ account_mapping.key_row_problem('partner_keys', 'partners') | indent(12) }},
            {%- if var('account_mapping__people') %}
            case when agreed.partner_id is null then 'person_keys_not_used' end
            {%- else %}
            'person_keys_not_used'
            {%- endif %}
        ) as problem

    from partner_keys
    left join partners
        on partner_keys.partner_id = partners.partner_id
    left join agreed
        on partner_keys.partner_id = agreed.partner_id
    {% if account_mapping.uses_crm('shared_keys') %}
    union all

    -- a clean room compares companies, and no persons
    select
        'ours' as side,
        partner_id,
        account_token,
        token,
        'person_keys_in_clean_room' as problem

    from {{ ref('stg_account_mapping__own_shared_keys') }}
    where key_type = 'person'
    {% endif %}
)

select * from final
