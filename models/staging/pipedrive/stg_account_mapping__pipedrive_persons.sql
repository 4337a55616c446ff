{{ config(enabled='pipedrive' in var('account_mapping__crms', [])) }}

with

source as (

    {{ account_mapping.stage_columns('pipedrive', 'persons', candidates={
        'source_contact_id': ['id'],
        'source_account_id': ['org_id'],
        'emails': ['email', 'emails', 'primary_email'],
        'is_active': ['active_flag'],
        'deleted_at': ['delete_time'],
        'is_deleted': ['is_deleted'],
    }) }}

),

renamed as (

    select
        ---------- ids
        {{ account_mapping.clean_id('source_contact_id') }} as source_contact_id,
        {{ account_mapping.clean_id(
            account_mapping.object_field('source_account_id', ['value', 'id'], otherwise_itself=true)
        ) }} as source_account_id,

        ---------- strings
        {{ account_mapping.clean_text('emails') }} as emails,

        ---------- booleans
        not coalesce({{ account_mapping.to_boolean('is_active') }}, true)
        or coalesce({{ account_mapping.to_boolean('is_deleted') }}, false)
        or {{ account_mapping.clean_text('deleted_at') }} is not null as is_deleted

    from source

)

select * from renamed
