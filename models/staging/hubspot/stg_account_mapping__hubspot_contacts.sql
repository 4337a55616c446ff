{{ config(enabled='hubspot' in var('account_mapping__crms', [])) }}

with

source as (

    {{ account_mapping.stage_columns('hubspot', 'contact', candidates={
        'source_contact_id': ['id', 'record id', 'record id - contact', 'contact_id'],
        'source_account_id': account_mapping.hubspot_property('associatedcompanyid', ['primary associated company id']),
        'source_account_ids': ['companies', 'associations_companies', 'associated company ids'],
        'email': account_mapping.hubspot_property('email'),
        'is_deleted': ['is_deleted', 'archived'],
        'is_deleted_by_loader': ['_fivetran_deleted'],
        'is_current_version': ['_fivetran_active'],
    }) }}

),

cleaned as (

    select
        ---------- ids
        {{ account_mapping.clean_id('source_contact_id') }} as source_contact_id,
        {{ account_mapping.clean_id('source_account_id') }} as source_account_id,
        {{ account_mapping.clean_text('source_account_ids') }} as source_account_ids,

        ---------- strings
        {{ account_mapping.clean_text('email') }} as email,

        ---------- booleans
        coalesce({{ account_mapping.to_boolean('is_deleted') }}, false)
        or coalesce({{ account_mapping.to_boolean('is_deleted_by_loader') }}, false) as is_deleted,
        coalesce({{ account_mapping.to_boolean('is_current_version') }}, true) as is_current_version

    from source

),

listed_companies as (

    {{ account_mapping.explode_items('cleaned', 'source_account_ids', keep=['source_contact_id']) }}

),

first_listed as (

    select
        source_contact_id,
        {{ account_mapping.clean_id(
            account_mapping.object_field('item', ['id', 'toObjectId', 'company_id'], otherwise_itself=true)
        ) }}
            as source_account_id,
        row_number() over (
            partition by source_contact_id order by position, item
        ) as row_rank

    from listed_companies

),

renamed as (

    select
        cleaned.source_contact_id,
        coalesce(cleaned.source_account_id, first_listed.source_account_id) as source_account_id,
        cleaned.email,
        cleaned.is_deleted,
        cleaned.is_current_version

    from cleaned
    left join first_listed
        on
            cleaned.source_contact_id = first_listed.source_contact_id
            and first_listed.row_rank = 1

)

select * from renamed
