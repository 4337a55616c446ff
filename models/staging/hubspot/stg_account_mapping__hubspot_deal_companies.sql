{{ config(enabled='hubspot' in var('account_mapping__crms', [])) }}

with

source as (

    {{ account_mapping.stage_columns('hubspot', 'deal_company', candidates={
        'source_opportunity_id': ['deal_id'],
        'source_account_id': ['company_id'],
        'association_type_id': ['type_id'],
        'is_primary': ['is_primary'],
        'is_deleted_by_loader': ['_fivetran_deleted'],
        'is_current_version': ['_fivetran_active'],
    }) }}

),

renamed as (

    select
        ---------- ids
        {{ account_mapping.clean_id('source_opportunity_id') }} as source_opportunity_id,
        {{ account_mapping.clean_id('source_account_id') }} as source_account_id,

        ---------- booleans
        -- 5 is HubSpot's own type of the association with the primary company
        coalesce(
            {{ account_mapping.to_boolean('is_primary') }},
            {{ account_mapping.clean_id('association_type_id') }} = '5',
            false
        ) as is_primary,
        coalesce({{ account_mapping.to_boolean('is_deleted_by_loader') }}, false) as is_deleted,
        coalesce({{ account_mapping.to_boolean('is_current_version') }}, true) as is_current_version

    from source

)

select * from renamed
